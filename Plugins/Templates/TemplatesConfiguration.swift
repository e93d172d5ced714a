public import MainstayKernel

/// Where templates lie, and what rendering may use.
public struct TemplatesConfiguration: PluginConfiguration {
  /// The folders.
  @Field("Folders of templates; what stands in a later one replaces the same file of an earlier one.")
  public var folders: [String] = Self.standardFolders

  /// The language of last resort.
  @Field("The locale used where none is asked for, and where the one asked for is not there.", minLength: 2)
  public var defaultLocale = "en"

  /// The zone of dates.
  @Field("The time zone in which dates are written, as IANA names it.", minLength: 1)
  public var timeZone = "UTC"

  /// What a missing value is.
  @Field("Whether a value that the data lacks is an error; front matter can say otherwise.")
  public var strict = true

  /// Whether the folders are watched.
  @Field("Whether changed files are taken over while the host runs.")
  public var watch = true

  /// How often.
  @Field("How often the folders are looked at.", range: .milliseconds(100)...Duration.seconds(3600))
  public var watchInterval: Duration = .seconds(1)

  /// Renderings kept.
  @Field("How many renderings are kept to be given again for the same data; 0 keeps none.", range: 0...100_000)
  public var cacheEntries = 500

  /// Their size.
  @Field("How large the kept renderings may be together.")
  public var cacheSize = ByteCount(bytes: 16 << 20)

  /// Their time.
  @Field("How long a rendering is given again.", range: .zero...Duration.seconds(86_400))
  public var cacheTtl: Duration = .seconds(300)

  /// The longest output.
  @Field("The longest output of one rendering.")
  public var maxOutput = ByteCount(bytes: 16 << 20)

  /// The deepest nesting.
  @Field("How deep partials may nest.", range: 1...1000)
  public var maxDepth = 100

  /// The longest time.
  @Field("The longest time one rendering may take.", range: .milliseconds(1)...Duration.seconds(300))
  public var timeout: Duration = .seconds(2)

  /// The longest time for PDF.
  @Field("The longest time the making of one PDF may take.", range: .milliseconds(100)...Duration.seconds(600))
  public var pdfTimeout: Duration = .seconds(20)

  /// How many at once.
  @Field("How many PDF documents are made at the same time; more are refused.", range: 1...64)
  public var pdfConcurrency = 2

  /// What makes PDF.
  @Field("What makes PDF; auto takes the first that the machine has.")
  public var pdfProgram: PDFProgramName = .auto

  /// Whether Chromium confines itself.
  @Field("Whether Chromium runs in its own sandbox, which it cannot for root.")
  public var pdfSandbox = true

  /// Who may read.
  @Field("Who may list templates: open, authenticated, or the name of a role.", minLength: 1)
  public var access = "viewer"

  /// Who may render.
  @Field("Who may render templates and empty the cache: open, authenticated, or the name of a role.", minLength: 1)
  public var renderAccess = "operator"

  private static let standardFolders = ["templates"]

  /// The defaults.
  public init() {}

  /// The folders. Those of the manifest have to be there; the one that is looked for when it names none may be missing.
  var templateFolders: [TemplateFolder] {
    folders.map { TemplateFolder(root: $0, isOptional: folders == Self.standardFolders) }
  }

  /// That there is nothing to render, and why; nil if there may be.
  var absentFolder: String? {
    guard let folder = templateFolders.first(where: { $0.isOptional && !$0.exists }) else { return nil }
    return "no templates: the folder \(folder.root) does not exist; create it, or set plugins.templates.folders"
  }
}

/// The programs that can make PDF, in the order in which they are looked for.
public enum PDFProgramName: String, Sendable, CaseIterable, ConfigValue {
  /// The first that is there.
  case auto
  /// WeasyPrint, for paged documents.
  case weasyprint
  /// Chromium or one of its relatives, without a window.
  case chromium
  /// wkhtmltopdf, which is not developed any more.
  case wkhtmltopdf
}
