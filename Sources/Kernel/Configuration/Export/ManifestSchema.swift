/// The JSON Schema (draft 2020-12) of a whole manifest, made from the declarations of its fields, so that editors
/// complete and check it.
public struct ManifestSchema: Sendable {
  /// A plugin the manifest may name.
  public struct PluginSection: Sendable {
    let key: String
    let summary: String
    let configuration: any PluginConfiguration.Type

    /// A plugin's key, its summary, and what its entry decodes into.
    public init(key: String, summary: String, configuration: any PluginConfiguration.Type) {
      self.key = key
      self.summary = summary
      self.configuration = configuration
    }
  }

  private let plugins: [PluginSection]
  private let rule: (any PluginConfiguration.Type)?

  /// A schema for a host that links these plugins.
  /// - Parameter rule: What an item of `rules` decodes into; anything, if it is left out.
  public init(plugins: [PluginSection], rule: (any PluginConfiguration.Type)? = nil) {
    self.plugins = plugins
    self.rule = rule
  }

  /// A schema for a host that links these plugins.
  public init(plugins: [PluginRegistration]) {
    self.init(
      plugins: plugins.sorted { $0.manifest.name < $1.manifest.name }.map {
        PluginSection(key: $0.manifest.name, summary: $0.manifest.summary, configuration: $0.configuration)
      })
  }

  /// The schema.
  public var json: JSONValue {
    .object(JSONObject(
      [
        ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
        ("title", .string("Manifest of a Mainstay host")),
        ("type", .string("object")),
        ("properties", .object(JSONObject(layerProperties + fileProperties))),
        ("additionalProperties", .bool(false)),
        ("$defs", definitions),
      ]))
  }

  /// What both a file and a profile may set.
  private var layerProperties: [(String, JSONValue)] {
    [
      ("host", .object(JSONObject([("description", .string("The host itself.")), ("$ref", .string("#/$defs/host"))]))),
      ("logging", .object(JSONObject([("description", .string("The host's log.")), ("$ref", .string("#/$defs/logging"))]))),
      ("plugins", .object(JSONObject([("description", .string("The plugins that run.")), ("$ref", .string("#/$defs/plugins"))]))),
      ("rules", .object(JSONObject([("description", .string("What to do on events.")), ("$ref", .string("#/$defs/rules"))]))),
    ]
  }

  private var fileProperties: [(String, JSONValue)] {
    let path = JSONValue.object(JSONObject([("type", .string("string"))]))
    let list = JSONValue.object(JSONObject([("type", .string("array")), ("items", path)]))
    let profile = JSONValue.object(JSONObject([
      ("type", .array([.string("object"), .string("null")])), ("properties", .object(JSONObject(layerProperties))),
      ("additionalProperties", .bool(false)),
    ]))
    return [
      (
        "include",
        .object(JSONObject([
          ("description", .string("Files laid over this one, in order; paths start at this file.")),
          ("anyOf", .array([path, list, SectionSchema.null])),
        ]))
      ),
      (
        "profiles",
        .object(JSONObject([
          ("description", .string("What --profile NAME lays over the file.")),
          ("type", .array([.string("object"), .string("null")])), ("additionalProperties", profile),
        ]))
      ),
    ]
  }

  private var definitions: JSONValue {
    let entries = plugins.map { plugin in
      (plugin.key, SectionSchema.section(plugin.configuration.init(), help: plugin.summary, also: Self.reserved))
    }
    let rules = rule.map { SectionSchema.section($0.init(), help: nil) } ?? .object(JSONObject([("type", .string("object"))]))
    return .object(JSONObject([
      ("host", SectionSchema.section(HostConfiguration(), help: nil)),
      ("logging", SectionSchema.section(LoggingConfiguration(), help: nil)),
      ("lifecycle", SectionSchema.section(LifecycleConfiguration(), help: nil)),
      (
        "plugins",
        .object(JSONObject([
          ("type", .array([.string("object"), .string("null")])), ("properties", .object(JSONObject(entries))),
          ("additionalProperties", .bool(false)),
        ]))
      ),
      ("rules", .object(JSONObject([("type", .array([.string("array"), .string("null")])), ("items", rules)]))),
      ("substitution", .object(JSONObject([("type", .string("string")), ("pattern", .string("\\$\\{[^}]*\\}"))]))),
      ("duration", .object(JSONObject([("type", .string("string")), ("pattern", .string(SectionSchema.durationPattern))]))),
      (
        "size",
        .object(JSONObject([
          ("type", .array([.string("string"), .string("integer")])), ("pattern", .string(SectionSchema.sizePattern)),
          ("minimum", .integer(0)),
        ]))
      ),
    ]))
  }

  private static var reserved: [(String, JSONValue)] {
    let enabled = Field(wrappedValue: true, "Whether the plugin runs.")
    return [
      ("enabled", SectionSchema.field(enabled)),
      (
        "lifecycle",
        .object(JSONObject([
          ("description", .string("How the host treats the plugin.")), ("$ref", .string("#/$defs/lifecycle")),
        ]))
      ),
    ]
  }
}

/// The schemas of sections and fields.
enum SectionSchema {
  static let durationPattern =
    "^(?=.)([0-9]+(\\.[0-9]+)?d)?([0-9]+(\\.[0-9]+)?h)?([0-9]+(\\.[0-9]+)?m)?"
    + "([0-9]+(\\.[0-9]+)?s)?([0-9]+(\\.[0-9]+)?ms)?([0-9]+(\\.[0-9]+)?us)?([0-9]+ns)?$"
  static let sizePattern = "^[0-9]+(\\.[0-9]+)? ?(B|[kK]B|KiB|MB|MiB|GB|GiB|TB|TiB)?$"
  static let null = JSONValue.object(JSONObject([("type", .string("null"))]))
  private static let substitution = JSONValue.object(JSONObject([("$ref", .string("#/$defs/substitution"))]))
  /// A section may hold sections like itself, through lists; so deep they are described.
  private static let deepest = 12

  static func section(
    _ section: any PluginConfiguration, help: String?, also: [(String, JSONValue)] = [], depth: Int = 0
  ) -> JSONValue {
    let fields = DeclaredField.fields(of: section).map { ($0.key, field($0.field, depth: depth)) }
    return .object(JSONObject(
      (help.map { [("description", JSONValue.string($0))] } ?? []) + [
        ("type", .array([.string("object"), .string("null")])), ("properties", .object(JSONObject(also + fields))),
        ("additionalProperties", .bool(false)),
      ]))
  }

  static func field(_ field: any AnyField, depth: Int = 0) -> JSONValue {
    var members: [(String, JSONValue)] = [("description", .string(description(of: field.declaration)))]
    if let example = field.declaration.example { members.append(("examples", .array([.string(example)]))) }
    if field.declaration.deprecated != nil { members.append(("deprecated", .bool(true))) }
    if field.shape.isSection, let section = field.section {
      guard case .object(let inner) = self.section(section, help: nil, depth: depth + 1) else {
        return .object(JSONObject(members))
      }
      return .object(JSONObject(members + inner.map { ($0.key, $0.value) }))
    }
    let standard = field.rendering(revealed: false)
    if standard != .null, !field.shape.isSecret { members.append(("default", standard)) }
    let accepted = alternatives(field.shape, field.declaration, depth: depth) + [null]
    return .object(JSONObject(members + [("anyOf", .array(accepted))]))
  }

  private static func description(of declaration: FieldDeclaration) -> String {
    var text = declaration.help
    if let unit = declaration.unit { text += " Unit: \(unit)." }
    if let range = declaration.rangeText { text += " Must be \(range)." }
    if let environment = declaration.environment { text += " Environment: \(environment.summary)." }
    if let reason = declaration.deprecated { text += " Deprecated: \(reason)" }
    return text
  }

  /// What a shape accepts: itself and, unless it is text or a structure, a `${…}`.
  private static func alternatives(
    _ shape: ConfigShape, _ declaration: FieldDeclaration, depth: Int
  ) -> [JSONValue] {
    switch shape {
    case .optional(let inner), .secret(let inner): return alternatives(inner, declaration, depth: depth)
    case .text, .form: return [text(declaration)] + (hasTextRules(declaration) ? [substitution] : [])
    case .choice(let words): return [.object(JSONObject([("enum", .array(words.map { .string($0) }))])), substitution]
    case .boolean: return [typed("boolean"), substitution]
    case .number: return [typed("number", limits(declaration.lower, declaration.upper)), substitution]
    case .integer(let range): return [typed("integer", limits(of: range, declaration)), substitution]
    case .duration: return [.object(JSONObject([("$ref", .string("#/$defs/duration"))])), substitution]
    case .bytes: return [.object(JSONObject([("$ref", .string("#/$defs/size"))])), substitution]
    case .anything: return [.object(JSONObject([]))]
    case .list(let item): return [typed("array", [("items", any(item, depth: depth))])]
    case .dictionary(let value): return [typed("object", [("additionalProperties", any(value, depth: depth))])]
    case .section(let type):
      return [depth < deepest ? section(type.init(), help: nil, depth: depth + 1) : typed("object")]
    }
  }

  private static func any(_ shape: ConfigShape, depth: Int) -> JSONValue {
    let accepted = alternatives(shape, FieldDeclaration(help: ""), depth: depth)
    return accepted.count == 1 ? accepted[0] : .object(JSONObject([("anyOf", .array(accepted))]))
  }

  private static func typed(_ name: String, _ more: [(String, JSONValue)] = []) -> JSONValue {
    .object(JSONObject([("type", .string(name))] + more))
  }

  private static func hasTextRules(_ declaration: FieldDeclaration) -> Bool {
    declaration.pattern != nil || declaration.minLength != nil
  }

  private static func text(_ declaration: FieldDeclaration) -> JSONValue {
    var members: [(String, JSONValue)] = []
    if let pattern = declaration.pattern { members.append(("pattern", .string("^(?:\(pattern))$"))) }
    if let least = declaration.minLength { members.append(("minLength", .integer(Int64(least)))) }
    return typed("string", members)
  }

  private static func limits(of range: ClosedRange<Int>, _ declaration: FieldDeclaration) -> [(String, JSONValue)] {
    // The limits of a 64-bit number are no help to anybody, and many validators cannot count so far.
    limits(
      declaration.lower ?? (range.lowerBound == .min ? nil : .integer(Int64(range.lowerBound))),
      declaration.upper ?? (range.upperBound == .max ? nil : .integer(Int64(range.upperBound))))
  }

  private static func limits(_ lower: JSONValue?, _ upper: JSONValue?) -> [(String, JSONValue)] {
    [("minimum", lower), ("maximum", upper)].compactMap { name, limit in limit.map { (name, $0) } }
  }
}
