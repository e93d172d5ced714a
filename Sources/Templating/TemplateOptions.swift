/// The language a template is written in.
public enum TemplateDialect: String, Sendable, CaseIterable {
  /// Handlebars, as handlebars.js 4.7 understands it.
  case handlebars
  /// Mustache, as its specification 1.4 defines it, with all optional modules.
  case mustache
  /// The tags of EJS around a small language of expressions: paths, literals, operators and helpers, conditions and
  /// loops. Nothing of it is JavaScript that is evaluated.
  case ejs
}

/// What a template produces; decides how values are escaped.
public enum TemplateOutput: String, Sendable, CaseIterable {
  /// HTML. Values are escaped for the place where they stand; where no escaping is safe, the template is refused.
  case html
  /// HTML whose values are escaped alike everywhere, as handlebars.js and mustache.js do. Not safe in unquoted
  /// attributes, URLs, scripts and styles.
  case uniformHTML
  /// Plain text: nothing is escaped.
  case text
  /// Markdown. Values are escaped, so that they are text and never markup, links or HTML.
  case markdown
  /// Comma-separated values (RFC 4180). Values are quoted where needed, and cannot become formulas.
  case csv
  /// One line of a mail header. A value with a line end is refused.
  case mailHeader
}

/// What happens when a value is written that the data does not have.
public enum MissingValues: String, Sendable, CaseIterable {
  /// An error. Conditions, loops and arguments of helpers may still ask for what is missing.
  case strict
  /// Nothing is written.
  case lenient
}

/// How a template is compiled.
public struct TemplateOptions: Sendable {
  /// The language.
  public var dialect: TemplateDialect
  /// What is produced.
  public var output: TemplateOutput
  /// What happens when a value is missing.
  public var missing: MissingValues
  /// What templates may call.
  public var helpers: HelperTable
  /// Whether a helper that nobody registered is an error when the template is compiled. If not, it is looked for in the
  /// data when the template is rendered.
  public var checksHelpers = true
  /// Handlebars: whether names are looked for outwards through all contexts, as Mustache does.
  public var looksOutward = false
  /// Handlebars: whether lines that hold nothing but a block tag stay in the output as empty lines.
  public var keepsStandaloneLines = false
  /// Handlebars: whether partials that stand alone on their line are not indented.
  public var keepsPartialIndentation = false
  /// Handlebars: whether a partial without a context sees an empty one instead of its caller's.
  public var isolatesPartials = false
  /// How deep blocks may nest in the source.
  public var nesting = 64

  /// Handlebars to HTML, with the standard helpers; strict.
  public init(
    dialect: TemplateDialect = .handlebars, output: TemplateOutput = .html, missing: MissingValues = .strict,
    helpers: HelperTable = .standard
  ) {
    self.dialect = dialect
    self.output = output
    self.missing = missing
    self.helpers = helpers
  }
}
