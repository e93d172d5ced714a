import Glibc
import MainstayCapabilities
import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayTemplates

/// PDF by programs of the machine: which are found, how they are called, what they may reach.
@Suite struct PDFTests {
  private func maker(
    _ search: [String], _ wanted: PDFProgramName = .auto, sandbox: Bool = false, most: Int = 1 << 20
  ) -> PDFMaker {
    PDFMaker(search: search, wanted: wanted, sandbox: sandbox, timeout: .seconds(60), mostBytes: most, mostAtOnce: 2)
  }

  private func failure(_ maker: PDFMaker) async -> TemplateFailure? {
    await #expect(throws: TemplateFailure.self) { try await maker.make("<p>page</p>") }
  }

  /// A folder with programs that are shell scripts.
  private func programs(_ scripts: [String: String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder(scripts.mapValues { "#!/bin/sh\n" + $0 })
    for name in scripts.keys { chmod("\(folder.path)/\(name)", 0o755) }
    return folder
  }

  @Test func whatTheMachineHasMakesDocuments() async throws {
    for name in PDFProgramName.allCases where name != .auto {
      let maker = maker(["/usr/local/bin", "/usr/bin", "/bin"], name)
      guard maker.programName != nil else { continue }
      let document = try await maker.make(
        "<!DOCTYPE html><title>t</title><p>page</p><img src=\"file:///etc/hostname\">")
      #expect(document.starts(with: "%PDF".utf8))
    }
  }

  @Test func withoutAProgramTheRemedyIsTold() async {
    let none = await failure(maker(["/nonexistent"]))
    #expect(none?.code == .unsupported)
    #expect(none?.message.contains("install weasyprint or chromium") == true)
    let wanted = await failure(maker(["/nonexistent"], .chromium))
    #expect(wanted?.message.contains("no chromium, which plugins.templates.pdf_program asks for") == true)
  }

  @Test func programsAreLookedForInOrder() throws {
    let folder = try programs(["chromium-headless-shell": "", "wkhtmltopdf": "", "python3": "", "google-chrome": ""])
    #expect(maker([folder.path]).programName == "chromium")
    #expect(maker([folder.path], .wkhtmltopdf).programName == "wkhtmltopdf")
    #expect(maker([folder.path], .weasyprint).programName == nil)
    #expect(
      PDFProgram.find(.chromium, in: [folder.path], sandbox: true)?.path == folder.path + "/chromium-headless-shell")
    let other = try programs(["weasyprint": "", "python3": "", "chromium": ""])
    #expect(maker([other.path]).programName == "weasyprint")
  }

  /// The stand-in does what Chromium does with these arguments: it reads the page's file and writes the document's.
  private static let standIn = """
    for argument in "$@"; do
      case "$argument" in
        --print-to-pdf=*) pdf="${argument#*=}" ;;
        --user-data-dir=*) mkdir -p "${argument#*=}/Default/Cache" ;;
        file://*) page="${argument#file://}" ;;
      esac
    done
    { echo "%PDF-stand-in"; echo "$HOME"; printf '%s\\n' "$@"; cat "$page"; } > "$pdf"
    echo noise

    """

  @Test func chromiumGetsAPageAndAProfileThatLastAsLongAsTheDocument() async throws {
    let folder = try programs(["chromium": Self.standIn])
    let text = String(decoding: try await maker([folder.path]).make("<!DOCTYPE html><p>page</p>"), as: UTF8.self)
    let lines = text.split(separator: "\n").map(String.init)
    let home = try #require(lines.dropFirst().first)
    #expect(home.hasPrefix("/tmp/mainstay-document-"))
    #expect(access(home, F_OK) != 0)
    for argument in [
      "--headless", "--user-data-dir=\(home)/profile", "--print-to-pdf=\(home)/page.pdf", "file://\(home)/page.html",
      "--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND",
      "--no-sandbox",
    ] { #expect(lines.contains(argument), "\(argument)") }
    #expect(text.contains("<!DOCTYPE html><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"))
    #expect(text.hasSuffix("<p>page</p>"))
    let confined = try #require(PDFProgram.find(.chromium, in: [folder.path], sandbox: true))
    #expect(!confined.arguments.contains("--no-sandbox"))
  }

  @Test func chromiumKeepsItsSandboxUnlessToldOtherwise() async throws {
    let folder = try programs(["chromium": Self.standIn])
    let maker = maker([folder.path], sandbox: true)
    guard geteuid() == 0 else {
      #expect(try await maker.make("<p>").starts(with: "%PDF".utf8))
      return
    }
    let failure = await failure(maker)
    #expect(failure?.code == .unsupported)
    #expect(failure?.message.contains("pdf_sandbox: false") == true)
  }

  @Test(arguments: [
    ("exit 1", 1 << 20, "did not make a document"), ("exit 0", 1 << 20, "did not make a document"),
    (standIn, 100, "longer than 100 bytes"), (standIn + "echo nothing > \"$pdf\"", 1 << 20, "did not make a document"),
  ])
  func whatGoesWrongIsTold(_ script: String, _ most: Int, _ message: String) async throws {
    let folder = try programs(["chromium": script])
    let failure = await failure(maker([folder.path], most: most))
    #expect(failure?.code == .renderingFailed)
    #expect(failure?.message.contains(message) == true)
  }

  @Test func moreAtOnceThanAllowedAreRefused() async throws {
    let folder = try programs(["chromium": Self.standIn])
    try folder.write(
      "chromium",
      "#!/bin/sh\necho > '\(folder.path)/begun'\nwhile [ ! -e '\(folder.path)/go' ]; do sleep 0.01; done\n\(Self.standIn)"
    )
    let maker = PDFMaker(
      search: [folder.path], wanted: .auto, sandbox: false, timeout: .seconds(60), mostBytes: 1 << 20, mostAtOnce: 1)
    async let first = maker.make("<p>")
    try await eventually { access("\(folder.path)/begun", F_OK) == 0 }
    #expect(await failure(maker)?.code == .busy)
    try folder.write("go", "")
    #expect(try await first.starts(with: "%PDF".utf8))
    #expect(try await maker.make("<p>").starts(with: "%PDF".utf8))
  }

  // MARK: The page

  @Test(arguments: [
    ("<!DOCTYPE html>\n<html><head><title>a</title></head></html>", "<!DOCTYPE html>\n"), ("<p>a</p>", ""), ("", ""),
    ("text", ""), (" <!-- c --><p>a", " "), ("<!doctype HTML><script>", "<!doctype HTML>"),
  ])
  func pagesAreRestrictedBeforeAnythingIsLoaded(_ html: String, _ before: String) {
    let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"
    #expect(PrintedPage.restricted(html).hasPrefix(before + policy))
  }

  @Test(arguments: [
    "<meta http-equiv=\"refresh\" content=\"0;url=file:///etc/passwd\">", "<META HTTP-EQUIV=Refresh content=0>",
    "<meta http-equiv='&#114;efresh' content='0;url=x'>", "<base href=\"file:///\">",
    "<iframe src=\"file:///etc/passwd\">",
    "<object data=\"file:///etc/passwd\">", "<embed src=\"x\">", "<meta\nhttp-equiv=refresh content=0>",
  ])
  func whatLeadsElsewhereIsLeftOut(_ tag: String) {
    #expect(PrintedPage.restricted("<p>a</p>\(tag)b").hasSuffix("<p>a</p>b"))
  }

  @Test func otherMetaTagsStay() {
    #expect(PrintedPage.restricted("<meta charset=\"utf-8\"><p>").hasSuffix("<meta charset=\"utf-8\"><p>"))
  }

  // MARK: Children

  @Test func childrenEndAtTheirDeadline() async {
    func run(_ script: String, input: [UInt8] = [], timeout: Duration = .seconds(60), most: Int = 1 << 20) async
      -> ChildProcess.Outcome
    {
      await ChildProcess(path: "/bin/sh", arguments: ["-c", script], timeout: timeout, mostBytes: most).run(
        input: input)
    }
    #expect(await run("cat", input: Array("page".utf8)) == .finished(Array("page".utf8)))
    #expect(
      await run("cat", input: [UInt8](repeating: 7, count: 900_000)) == .finished([UInt8](repeating: 7, count: 900_000))
    )
    #expect(await run("exit 3") == .failed)
    #expect(await run("sleep 60", timeout: .milliseconds(50)) == .timedOut)
    #expect(await run("yes", most: 1000) == .tooLong)
    #expect(await run("exit 0", input: [UInt8](repeating: 7, count: 900_000)) == .finished([]))
    #expect(await run("echo $HOME/$SECRET") != .failed)
  }

  /// What the child has started does not outlive it.
  @Test func nothingIsLeftBehind() async throws {
    let folder = try TemporaryFolder()
    let script = "sleep 600 >/dev/null 2>&1 & echo $! > \(folder.path)/pid; echo done"
    let outcome = await ChildProcess(
      path: "/bin/sh", arguments: ["-c", script], timeout: .seconds(60), mostBytes: 100
    ).run(input: [])
    #expect(outcome == .finished(Array("done\n".utf8)))
    let text = try String(decoding: DiskFiles().read("\(folder.path)/pid", limit: 20), as: UTF8.self)
    let pid = try #require(pid_t(text.split(separator: "\n").first ?? ""))
    // It is nobody's child here: it is gone, or waits for init to collect it.
    try await eventually { kill(pid, 0) != 0 || Self.isDefunct(pid) }
  }

  private static func isDefunct(_ pid: pid_t) -> Bool {
    let status = try? DiskFiles().read("/proc/\(pid)/stat", limit: 4096)
    return status.map { String(decoding: $0, as: UTF8.self).contains(") Z ") } ?? true
  }
}
