import Glibc
import MainstayCapabilities
import MainstayKernel
import Synchronization

/// Makes PDF from HTML with a program of the machine, run as a child with a deadline. The child may load nothing: no files,
/// no network.
final class PDFMaker: Sendable {
  private let wanted: PDFProgramName
  private let program: PDFProgram?
  private let sandbox: Bool
  private let timeout: Duration
  private let mostBytes: Int
  private let mostAtOnce: Int
  private let running = Mutex(0)

  /// - Parameters:
  ///   - search: folders in which programs are looked for.
  ///   - sandbox: whether Chromium confines itself.
  init(
    search: [String] = ["/usr/local/bin", "/usr/bin", "/bin"], wanted: PDFProgramName = .auto, sandbox: Bool = true,
    timeout: Duration, mostBytes: Int, mostAtOnce: Int
  ) {
    self.wanted = wanted
    self.sandbox = sandbox
    program = PDFProgram.find(wanted, in: search, sandbox: sandbox)
    self.timeout = timeout
    self.mostBytes = mostBytes
    self.mostAtOnce = mostAtOnce
  }

  var programName: String? { program?.name.rawValue }

  /// The program, if there is one that can be run.
  func usable() throws(TemplateFailure) -> PDFProgram {
    guard let program else {
      let what =
        wanted == .auto
        ? "no program that makes PDF; install weasyprint or chromium, or ask for html"
        : "no \(wanted.rawValue), which plugins.templates.pdf_program asks for; install it, or ask for html"
      throw TemplateFailure(.unsupported, "this machine has \(what)")
    }
    if program.name == .chromium, sandbox, geteuid() == 0 {
      throw TemplateFailure(
        .unsupported,
        "chromium has no sandbox when root runs it; run the host as another user, install weasyprint,"
          + " or set plugins.templates.pdf_sandbox: false")
    }
    return program
  }

  /// The document. Throws ``TemplateFailure``: `unsupported` without a program, `busy` if too many are being made,
  /// `timedOut`, or `renderingFailed`.
  func make(_ html: String) async throws -> [UInt8] {
    let program = try usable()
    let isFree = running.withLock { running in
      guard running < mostAtOnce else { return false }
      running += 1
      return true
    }
    guard isFree else {
      throw TemplateFailure(.busy, "\(mostAtOnce) documents are being made already; try again later")
    }
    defer { running.withLock { $0 -= 1 } }
    let page = program.needsRestrictedPage ? PrintedPage.restricted(html) : html
    let child = ChildProcess(
      path: program.path, arguments: program.arguments, exchange: program.exchange, timeout: timeout,
      mostBytes: mostBytes)
    switch await child.run(input: Array(page.utf8)) {
    case .finished(let output) where output.starts(with: "%PDF".utf8): return output
    case .timedOut:
      throw TemplateFailure(.timedOut, "\(program.name.rawValue) did not make the document within \(timeout)")
    case .tooLong:
      throw TemplateFailure(.renderingFailed, "the document is longer than \(mostBytes) bytes")
    case .finished, .failed:
      throw TemplateFailure(.renderingFailed, "\(program.name.rawValue) did not make a document of the page")
    }
  }
}
