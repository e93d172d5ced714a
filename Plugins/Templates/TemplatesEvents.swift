public import MainstayKernel

/// A template was rendered. Tells nothing of the data.
public struct TemplateRendered: Event {
  /// `templates.template-rendered`
  public static let topic: Topic = "templates.template-rendered"
  /// The template's name.
  public let template: String
  /// `html`, `text`, `markdown`, `csv`, `email`, `pdf`.
  public let format: String
  /// The language that was used.
  public let locale: String?
  /// The version that was used.
  public let version: Int
  /// The size of what came out, in bytes.
  public let bytes: Int
  /// How long it took, in seconds.
  public let seconds: Double
  /// Whether it was given again.
  public let isCached: Bool
}

/// The templates were read anew, because files changed.
public struct TemplatesReloaded: Event {
  /// `templates.reloaded`
  public static let topic: Topic = "templates.reloaded"
  /// Counts the readings.
  public let generation: Int
  /// How many templates can be rendered.
  public let templates: Int
  /// The files with errors. Of each, the last good version is used if there was one.
  public let faulty: [String]
}
