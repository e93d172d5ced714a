import Glibc
import MainstayCapabilities
import MainstayKernel
import Synchronization

/// Makes PDF from HTML with a program of the machine, run as a child with a deadline. The child gets the page on its
/// standard input, may load nothing (no files, no network), and gives the document on its standard output.
final class PDFMaker: Sendable {
  /// A program that makes PDF.
  struct Program: Sendable, Equatable {
    let name: String
    let path: String
    let arguments: [String]
  }

  /// Refuses to load anything but `data:` URLs.
  private static let weasyprint = """
    import sys
    import weasyprint
    def refuse(url, *rest, **more):
        if url.startswith('data:'):
            return weasyprint.default_url_fetcher(url)
        raise ValueError('only data: URLs can be loaded')
    page = sys.stdin.buffer.read().decode('utf-8')
    sys.stdout.buffer.write(weasyprint.HTML(string=page, url_fetcher=refuse).write_pdf())
    """

  private let program: Program?
  private let timeout: Duration
  private let mostBytes: Int
  private let mostAtOnce: Int
  private let running = Mutex(0)

  /// - Parameter search: folders in which programs are looked for.
  init(
    search: [String] = ["/usr/local/bin", "/usr/bin", "/bin"], timeout: Duration, mostBytes: Int, mostAtOnce: Int
  ) {
    program = Self.find(in: search)
    self.timeout = timeout
    self.mostBytes = mostBytes
    self.mostAtOnce = mostAtOnce
  }

  var programName: String? { program?.name }

  private static func find(in folders: [String]) -> Program? {
    func path(_ name: String) -> String? {
      folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }
    if path("weasyprint") != nil, let python = path("python3") {
      return Program(name: "weasyprint", path: python, arguments: ["-I", "-c", weasyprint])
    }
    if let tool = path("wkhtmltopdf") {
      return Program(
        name: "wkhtmltopdf", path: tool,
        arguments: [
          "--quiet", "--disable-local-file-access", "--disable-javascript", "--disable-plugins", "--proxy",
          "http://127.0.0.1:9", "--load-error-handling", "ignore", "--load-media-error-handling", "ignore", "-", "-",
        ])
    }
    return nil
  }

  /// The document. Throws ``TemplateFailure``: `unsupported` without a program, `busy` if too many are being made,
  /// `timedOut`, or `renderingFailed`.
  func make(_ html: String) async throws -> [UInt8] {
    guard let program else {
      throw TemplateFailure(
        .unsupported, "this machine has no program that makes PDF; install weasyprint or wkhtmltopdf, or ask for html")
    }
    let isFree = running.withLock { running in
      guard running < mostAtOnce else { return false }
      running += 1
      return true
    }
    guard isFree else {
      throw TemplateFailure(.busy, "\(mostAtOnce) documents are being made already; try again later")
    }
    defer { running.withLock { $0 -= 1 } }
    let child = ChildProcess(path: program.path, arguments: program.arguments, timeout: timeout, mostBytes: mostBytes)
    let outcome = await child.run(input: Array(html.utf8))
    switch outcome {
    case .finished(let output) where output.starts(with: "%PDF".utf8): return output
    case .timedOut:
      throw TemplateFailure(.timedOut, "\(program.name) did not make the document within \(timeout)")
    case .tooLong:
      throw TemplateFailure(.renderingFailed, "the document is longer than \(mostBytes) bytes")
    case .finished, .failed:
      throw TemplateFailure(.renderingFailed, "\(program.name) did not make a document of the page")
    }
  }
}
