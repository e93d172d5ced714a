import Glibc

/// A program of the machine that makes PDF from HTML, and how it is called so that a page can load nothing.
struct PDFProgram: Sendable, Equatable {
  let name: PDFProgramName
  let path: String
  let arguments: [String]
  var exchange = ChildProcess.Exchange.standardStreams
  /// Whether the page is restricted from within, since the program could load what it names.
  var needsRestrictedPage = false

  /// The first one that is there, or the one of that name.
  static func find(_ wanted: PDFProgramName, in folders: [String], sandbox: Bool) -> PDFProgram? {
    func path(_ file: String) -> String? {
      folders.map { "\($0)/\(file)" }.first { access($0, X_OK) == 0 }
    }
    for name in PDFProgramName.allCases where wanted == .auto || wanted == name {
      if let program = make(name, path, sandbox: sandbox) { return program }
    }
    return nil
  }

  private static func make(_ name: PDFProgramName, _ path: (String) -> String?, sandbox: Bool) -> PDFProgram? {
    switch name {
    case .auto: return nil
    case .weasyprint:
      guard path("weasyprint") != nil, let python = path("python3") else { return nil }
      return PDFProgram(name: name, path: python, arguments: ["-I", "-c", weasyprint])
    case .chromium: return browsers.lazy.compactMap(path).first.map { chromium($0, sandbox: sandbox) }
    case .wkhtmltopdf: return path("wkhtmltopdf").map { PDFProgram(name: name, path: $0, arguments: wkhtmltopdf) }
    }
  }

  /// What Chromium and its relatives are called.
  private static let browsers = [
    "chromium", "chromium-headless-shell", "chrome-headless-shell", "google-chrome-stable", "google-chrome",
    "chromium-browser",
  ]

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

  /// A proxy that nobody is, for everything also on this machine; no names are resolved; a profile that lasts as long as the
  /// document takes. Scripts are the page's policy's to refuse: without them Chromium itself would not print.
  private static func chromium(_ path: String, sandbox: Bool) -> PDFProgram {
    PDFProgram(
      name: .chromium, path: path,
      arguments: [
        "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-default-browser-check",
        "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-default-apps", "--disable-breakpad", "--disable-crash-reporter", "--mute-audio", "--no-pings",
        "--user-data-dir=\(ChildProcess.folder)/profile", "--proxy-server=http://127.0.0.1:9",
        "--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND",
        "--no-pdf-header-footer",
        "--print-to-pdf=\(ChildProcess.folder)/page.pdf",
      ] + (sandbox ? [] : ["--no-sandbox"]) + ["file://\(ChildProcess.folder)/page.html"],
      exchange: .files(input: "page.html", output: "page.pdf"), needsRestrictedPage: true)
  }

  private static let wkhtmltopdf = [
    "--quiet", "--disable-local-file-access", "--disable-javascript", "--disable-plugins", "--proxy",
    "http://127.0.0.1:9", "--load-error-handling", "ignore", "--load-media-error-handling", "ignore", "-", "-",
  ]
}
