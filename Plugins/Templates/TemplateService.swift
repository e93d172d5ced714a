import MainstayCapabilities
import MainstayKernel
import MainstayTemplating

/// Renders what the library has: the one place where requests, data, cache and limits meet.
final class TemplateService: TemplateRendering {
  let library: TemplateLibrary
  let cache: RenderCache
  let pdf: PDFMaker
  private let configuration: TemplatesConfiguration
  private let clock: any HostClock
  private let bus: EventBus
  let statistics = RenderStatistics()

  init(configuration: TemplatesConfiguration, clock: any HostClock, bus: EventBus) {
    self.configuration = configuration
    self.clock = clock
    self.bus = bus
    library = TemplateLibrary(configuration)
    cache = RenderCache(
      capacity: configuration.cacheEntries, mostBytes: configuration.cacheSize.bytes,
      timeToLive: configuration.cacheTtl)
    pdf = PDFMaker(
      wanted: configuration.pdfProgram, sandbox: configuration.pdfSandbox, timeout: configuration.pdfTimeout,
      mostBytes: configuration.maxOutput.bytes,
      mostAtOnce: configuration.pdfConcurrency)
  }

  var templateNames: [String] { library.generation.names }

  // MARK: Rendering

  func render(_ request: TemplateRequest) async throws -> RenderedTemplate {
    let begin = clock.now
    let generation = library.generation
    let (variant, locale) = try find(request, in: generation)
    let result = try await counting { try render(variant, request, locale, generation, begin) }
    publish(request, variant, format: variant.file.format.rawValue, result.content, since: begin, result.isCached)
    return result
  }

  /// What a person looks at: as `render`, but of Markdown the page unless the source is asked for.
  func preview(_ request: TemplateRequest) async throws -> RenderedTemplate {
    let (variant, _) = try find(request, in: library.generation)
    guard variant.file.format == .markdown, request.format == nil else { return try await render(request) }
    let page = try await renderDocument(request, as: .html)
    return RenderedTemplate(
      name: request.name, content: String(decoding: page.content, as: UTF8.self), contentType: page.contentType,
      locale: variant.file.locale, version: Self.version(of: variant), isCached: false)
  }

  func renderEmail(_ request: TemplateRequest) async throws -> RenderedEmail {
    let begin = clock.now
    let generation = library.generation
    let mail = try await counting { try email(request, generation, begin) }
    if let (variant, _) = try? find(request, in: generation) {
      publish(request, variant, format: "email", mail.html ?? mail.text, since: begin, false)
    }
    return mail
  }

  func renderDocument(_ request: TemplateRequest, as format: DocumentFormat) async throws -> RenderedDocument {
    let begin = clock.now
    let generation = library.generation
    // The format of the request names the document's, which need not be one of the template's.
    var request = request
    request.format = nil
    let document = try await counting { try await self.document(request, format, generation, begin) }
    if let (variant, _) = try? find(request, in: generation) {
      statistics.count(request.name, seconds: seconds(since: begin), bytes: document.content.count)
      bus.publish(
        TemplateRendered(
          template: request.name, format: format.rawValue, locale: variant.file.locale,
          version: Self.version(of: variant), bytes: document.content.count, seconds: seconds(since: begin),
          isCached: false))
    }
    return document
  }

  private func email(
    _ request: TemplateRequest, _ generation: TemplateGeneration, _ begin: ContinuousClock.Instant
  ) throws -> RenderedEmail {
    var page = request
    page.format = "html"
    var plain = request
    plain.format = "text"
    // A page, or Markdown of which one is made.
    var html = try? find(page, in: generation)
    if html == nil {
      page.format = "markdown"
      html = try? find(page, in: generation)
    }
    // A text in another language than the page is none of it.
    let text = (try? find(plain, in: generation)).flatMap { found in
      html.map { $0.0.file.locale == found.0.file.locale } ?? true ? found : nil
    }
    guard let (main, locale) = html ?? text else {
      _ = try find(request, in: generation)
      throw TemplateFailure(
        .notFound, "the template '\(request.name)' is neither html, markdown nor text, of which mails are made")
    }
    guard let subject = main.subject ?? text?.0.subject else {
      throw TemplateFailure(
        .renderingFailed, "the template '\(request.name)' has no subject; write 'subject: …' into its front matter")
    }
    let settings = settings(locale, begin)
    let data = TemplateValue(request.data)
    let body: String? = try html.map { (variant, _) throws -> String in
      let content = try render(variant, page, locale, generation, begin).content
      guard variant.file.format == .markdown else { return content }
      return try self.page(of: content, request.name, locale, .mail, begin)
    }
    let alternative = try text.map { try render($0.0, plain, $0.1, generation, begin).content }
    let preheader = try main.preheader.map { try Self.run($0, data, settings) }
    let inlined = try body.map { try withInlineStyles($0, request.name, begin) }
    return RenderedEmail(
      subject: try Self.run(subject, data, settings),
      html: inlined.map { page in preheader.map { Self.page(page, with: $0) } ?? page },
      text: alternative ?? body.map { TextAlternative.text(of: $0) } ?? "", preheader: preheader,
      attachments: main.matter.attachments, locale: locale)
  }

  private func withInlineStyles(_ page: String, _ name: String, _ begin: ContinuousClock.Instant) throws -> String {
    let end = begin.advanced(by: configuration.timeout)
    guard let inlined = StyleInliner.inlined(page, isTimeOver: { [clock] in clock.now >= end }) else {
      throw TemplateFailure(
        .timedOut, "the styles of '\(name)' are not written into its elements in time; give it fewer rules")
    }
    return inlined
  }

  /// The preheader stands first in the page, hidden; blanks keep the text that follows out of the preview.
  private static func page(_ html: String, with preheader: String) -> String {
    let hidden =
      "<div style=\"display:none;max-height:0;overflow:hidden\">" + HTMLEntities.escaped(preheader)
      + String(repeating: "&zwnj;&nbsp;", count: 40) + "</div>"
    var output = ""
    var isDone = false
    for token in HTMLToken.tokens(of: html) {
      output += token.source
      if !isDone, case .start(let tag) = token, tag.name == "body" {
        output += hidden
        isDone = true
      }
    }
    return isDone ? output : hidden + output
  }

  /// A document is what the library has in its format, or is made of the page, or of Markdown.
  private func document(
    _ request: TemplateRequest, _ format: DocumentFormat, _ generation: TemplateGeneration,
    _ begin: ContinuousClock.Instant
  ) async throws -> RenderedDocument {
    var request = request
    request.format = format == .pdf ? "html" : format.rawValue
    if format != .pdf, let (variant, locale) = try? find(request, in: generation) {
      let content = try render(variant, request, locale, generation, begin).content
      return Self.document(request.name, content, variant.file.format)
    }
    let html = try page(request, generation, begin)
    switch format {
    case .html: return Self.document(request.name, html, .html)
    case .text: return Self.document(request.name, TextAlternative.text(of: html), .text)
    case .markdown: return Self.document(request.name, TextAlternative.markdown(of: html), .markdown)
    case .pdf:
      return RenderedDocument(
        content: try await pdf.make(html), contentType: "application/pdf",
        fileName: Self.baseName(request.name) + ".pdf")
    }
  }

  /// The template as a page: its own, or one that is made of Markdown.
  private func page(
    _ request: TemplateRequest, _ generation: TemplateGeneration, _ begin: ContinuousClock.Instant
  ) throws -> String {
    var request = request
    request.format = "html"
    if let (variant, locale) = try? find(request, in: generation) {
      return try render(variant, request, locale, generation, begin).content
    }
    request.format = "markdown"
    guard let (variant, locale) = try? find(request, in: generation) else {
      request.format = nil
      _ = try find(request, in: generation)
      throw TemplateFailure(
        .notFound, "the template '\(request.name)' is neither html nor markdown, of which documents are made")
    }
    let source = try render(variant, request, locale, generation, begin).content
    return try page(of: source, request.name, locale, .document, begin)
  }

  private func page(
    of source: String, _ name: String, _ locale: String, _ style: MarkdownPage.Style, _ begin: ContinuousClock.Instant
  ) throws(TemplateFailure) -> String {
    let end = begin.advanced(by: configuration.timeout)
    do throws(MarkdownPage.Mistake) {
      return try MarkdownPage.page(
        of: source, style: style, language: locale, title: Self.baseName(name),
        mostBytes: configuration.maxOutput.bytes, isTimeOver: { [clock] in clock.now >= end })
    } catch {
      throw TemplateFailure(
        error == .timedOut ? .timedOut : .renderingFailed, "the Markdown of '\(name)' \(error.words)")
    }
  }

  private static func document(_ name: String, _ content: String, _ format: TemplateFormat) -> RenderedDocument {
    RenderedDocument(
      content: Array(content.utf8), contentType: format.contentType,
      fileName: "\(baseName(name)).\(format.fileExtension)")
  }

  private static func baseName(_ name: String) -> String { name.split(separator: "/").last.map(String.init) ?? name }

  // MARK: Steps

  private func find(
    _ request: TemplateRequest, in generation: TemplateGeneration
  ) throws(TemplateFailure) -> (TemplateGeneration.Variant, locale: String) {
    var format: TemplateFormat?
    if let name = request.format {
      format = TemplateFormat(rawValue: name)
      if format == nil { throw TemplateFailure(.invalidData, "a format is one of html, text, markdown, csv") }
    }
    if let locale = request.locale {
      // The longest tag that RFC 5646 asks everybody to take has 35 characters.
      guard (2...35).contains(locale.utf8.count), locale.utf8.allSatisfy({ $0.isLetterOrDigit || $0 == 0x2D }) else {
        throw TemplateFailure(.invalidData, "a locale is a tag such as en, de-CH or zh-Hant-TW")
      }
    }
    let found = generation.variant(
      request.name, locale: request.locale, format: format, version: request.version,
      defaultLocale: configuration.defaultLocale)
    guard let found else {
      if let message = generation.unusable[request.name] {
        throw TemplateFailure(.renderingFailed, "the template '\(request.name)' has an error: \(message)")
      }
      let detail = request.version.map { ", version \($0)" } ?? ""
      throw TemplateFailure(
        .notFound, "there is no template '\(request.name)'\(detail)\(format.map { " as \($0.rawValue)" } ?? "")")
    }
    return (found, found.file.locale ?? request.locale ?? configuration.defaultLocale)
  }

  private func render(
    _ variant: TemplateGeneration.Variant, _ request: TemplateRequest, _ locale: String,
    _ generation: TemplateGeneration, _ begin: ContinuousClock.Instant
  ) throws -> RenderedTemplate {
    let objections = variant.matter.objections(to: request.data)
    guard objections.isEmpty else {
      throw TemplateFailure(
        .invalidData, "the data of '\(request.name)' is not what it requires: \(objections.joined(separator: "; "))")
    }
    let mayKeep = cache.isEnabled && variant.matter.cache ?? variant.isTimeless
    let key = mayKeep ? "\(generation.number)\n\(variant.file.path)\n\(locale)\n\(request.data)" : ""
    var result = RenderedTemplate(
      name: request.name, content: "", contentType: variant.file.format.contentType, locale: variant.file.locale,
      version: Self.version(of: variant), isCached: false)
    if mayKeep, let known = cache.value(for: key, at: begin) {
      result.content = known
      result.isCached = true
      return result
    }
    result.content = try Self.run(variant.template, TemplateValue(request.data), settings(locale, begin))
    if mayKeep { cache.keep(result.content, for: key, at: begin) }
    return result
  }

  private static func run(
    _ template: Template, _ data: TemplateValue, _ settings: RenderSettings
  ) throws(TemplateFailure) -> String {
    do throws(TemplateError) {
      return try template.render(data, settings: settings)
    } catch {
      throw TemplateFailure(error.code == .deadlineExceeded ? .timedOut : .renderingFailed, error.description)
    }
  }

  private func settings(_ locale: String, _ begin: ContinuousClock.Instant) -> RenderSettings {
    var settings = RenderSettings(clock: clock)
    settings.limits.outputBytes = configuration.maxOutput.bytes
    settings.limits.depth = configuration.maxDepth
    settings.limits.deadline = begin.advanced(by: configuration.timeout)
    settings.timeZone = configuration.timeZone
    settings.locale = locale
    return settings
  }

  static func version(of variant: TemplateGeneration.Variant) -> Int {
    variant.matter.version ?? variant.file.version ?? 1
  }

  // MARK: Telling

  /// Counts what a template that is there could not be rendered for.
  private func counting<Result>(_ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch {
      if (error as? TemplateFailure)?.code != .notFound { statistics.countFailure() }
      throw error
    }
  }

  private func seconds(since begin: ContinuousClock.Instant) -> Double { begin.duration(to: clock.now) / .seconds(1) }

  private func publish(
    _ request: TemplateRequest, _ variant: TemplateGeneration.Variant, format: String, _ content: String,
    since begin: ContinuousClock.Instant, _ isCached: Bool
  ) {
    let seconds = seconds(since: begin)
    statistics.count(request.name, seconds: seconds, bytes: content.utf8.count)
    bus.publish(
      TemplateRendered(
        template: request.name, format: format, locale: variant.file.locale, version: Self.version(of: variant),
        bytes: content.utf8.count, seconds: seconds, isCached: isCached))
  }

  /// Data for previews: the file that the front matter names, or `NAME.sample.json` beside the template.
  func sample(of name: String) throws -> JSONValue {
    let (variant, _) = try find(TemplateRequest(name), in: library.generation)
    let folder = name.split(separator: "/").dropLast().map { $0 + "/" }.joined()
    let path = variant.matter.sample.map { folder + $0 } ?? name + ".sample.json"
    guard let text = library.file(path) else {
      throw TemplateFailure(.notFound, "the template '\(name)' has no sample data; write \(path)")
    }
    do throws(JSONError) {
      return try JSONValue(parsing: text)
    } catch {
      throw TemplateFailure(.invalidData, "\(path): \(error)")
    }
  }
}

extension UInt8 {
  fileprivate var isLetterOrDigit: Bool { (0x41...0x5A).contains(self & 0xDF) || (0x30...0x39).contains(self) }
}
