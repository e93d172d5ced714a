public import MainstayKernel

/// Renders templates of the host's library: pages, documents, mail.
///
/// ```swift
/// let templates = try context.require(.templates)
/// let mail = try await templates.renderEmail(TemplateRequest("welcome", data: ["name": "Ada"], locale: "de"))
/// ```
public protocol TemplateRendering: Sendable {
  /// Renders one format of a template. Throws ``TemplateFailure``.
  func render(_ request: TemplateRequest) async throws -> RenderedTemplate
  /// Renders a template as mail: subject, HTML and text. Throws ``TemplateFailure``.
  func renderEmail(_ request: TemplateRequest) async throws -> RenderedEmail
  /// Renders a template as a document. Throws ``TemplateFailure``.
  func renderDocument(_ request: TemplateRequest, as format: DocumentFormat) async throws -> RenderedDocument
  /// The names of the templates that can be rendered, sorted.
  var templateNames: [String] { get }
}

extension Capability where Value == any TemplateRendering {
  /// The host's templates.
  public static var templates: Self { Self("templates") }
}

/// What to render.
public struct TemplateRequest: Sendable {
  /// The template's name: its path in the library, without extensions.
  public var name: String
  /// The values that it shows.
  public var data: JSONValue
  /// The language wanted, as a BCP 47 tag; nil for the library's default.
  public var locale: String?
  /// The format, where the template has several: `html`, `text`, `markdown`, `csv`. Nil for its first.
  public var format: String?
  /// The version wanted; nil for the latest.
  public var version: Int?

  /// A request for a template by its name.
  public init(
    _ name: String, data: JSONValue = [:], locale: String? = nil, format: String? = nil, version: Int? = nil
  ) {
    self.name = name
    self.data = data
    self.locale = locale
    self.format = format
    self.version = version
  }
}

/// A rendered template.
public struct RenderedTemplate: Sendable, Hashable, Codable {
  /// The template's name.
  public var name: String
  /// What came out.
  public var content: String
  /// Its media type, such as `text/html; charset=utf-8`.
  public var contentType: String
  /// The language that was used; nil if the template has none.
  public var locale: String?
  /// The version that was used.
  public var version: Int
  /// Whether it was rendered before from the same data and given again.
  public var isCached: Bool

  /// A rendered template.
  public init(name: String, content: String, contentType: String, locale: String?, version: Int, isCached: Bool) {
    self.name = name
    self.content = content
    self.contentType = contentType
    self.locale = locale
    self.version = version
    self.isCached = isCached
  }
}

/// A rendered mail: what a mailer needs beside sender and recipients.
public struct RenderedEmail: Sendable, Hashable, Codable {
  /// The subject, one line.
  public var subject: String
  /// The HTML part, with its styles inline; nil if the template has only text.
  public var html: String?
  /// The text part; derived from the HTML where the template has none.
  public var text: String
  /// What mail programs show after the subject.
  public var preheader: String?
  /// Attachments, by reference: what the host's mailer looks up, such as `logo.png` or `report:42`.
  public var attachments: [String]
  /// The language that was used.
  public var locale: String?

  /// A rendered mail.
  public init(
    subject: String, html: String?, text: String, preheader: String? = nil, attachments: [String] = [],
    locale: String? = nil
  ) {
    self.subject = subject
    self.html = html
    self.text = text
    self.preheader = preheader
    self.attachments = attachments
    self.locale = locale
  }
}

/// The form of a document.
public enum DocumentFormat: String, Sendable, Hashable, Codable, CaseIterable {
  /// A page.
  case html
  /// Plain text, derived from the page where the template has none.
  case text
  /// Markdown, derived from the page where the template has none.
  case markdown
  /// PDF, where the machine has a program that makes it.
  case pdf
}

/// A rendered document.
public struct RenderedDocument: Sendable, Hashable {
  /// Its bytes.
  public var content: [UInt8]
  /// Its media type.
  public var contentType: String
  /// A name for its file, such as `billing-statement.pdf`.
  public var fileName: String

  /// A rendered document.
  public init(content: [UInt8], contentType: String, fileName: String) {
    self.content = content
    self.contentType = contentType
    self.fileName = fileName
  }
}

/// Why a template could not be rendered. Shows template source and names of data, never data.
public struct TemplateFailure: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Base: String, Sendable { case notFound, invalidData, renderingFailed, unsupported, busy, timedOut }
    private let base: Base
    private init(_ base: Base) { self.base = base }

    /// There is no such template, version or format.
    public static let notFound = Code(.notFound)
    /// The data lacks what the template requires.
    public static let invalidData = Code(.invalidData)
    /// The template stopped on an error.
    public static let renderingFailed = Code(.renderingFailed)
    /// The machine lacks what is needed.
    public static let unsupported = Code(.unsupported)
    /// Too many documents are being made.
    public static let busy = Code(.busy)
    /// It took longer than allowed.
    public static let timedOut = Code(.timedOut)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// What kind of failure it is.
  public let code: Code
  /// What is wrong, where, and what to do about it.
  public let message: String

  /// A failure.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
