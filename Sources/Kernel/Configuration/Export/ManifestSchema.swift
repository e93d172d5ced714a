/// The JSON Schema (draft 2020-12) of a whole manifest, made from the declarations of its fields, so that editors
/// complete and check it.
///
/// It is a little stricter than the host: text that looks like a number must be quoted.
public struct ManifestSchema: Sendable {
  private let plugins: [(name: String, summary: String, configuration: any PluginConfiguration.Type)]

  /// A schema for a host that links these plugins.
  public init(plugins: [(name: String, summary: String, configuration: any PluginConfiguration.Type)]) {
    self.plugins = plugins
  }

  /// The schema.
  public var json: JSONValue {
    [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "title": "Manifest of a Mainstay host",
      "type": "object",
      "properties": .object(JSONObject(Array(layerProperties) + Array(fileProperties))),
      "additionalProperties": false,
      "$defs": definitions,
    ]
  }

  /// What both a file and a profile may set.
  private var layerProperties: JSONObject {
    [
      "host": ["description": "The host itself.", "$ref": "#/$defs/host"],
      "logging": ["description": "The host's log.", "$ref": "#/$defs/logging"],
      "plugins": ["description": "The plugins that run.", "$ref": "#/$defs/plugins"],
      "rules": ["description": "What to do on events.", "$ref": "#/$defs/rules"],
    ]
  }

  private var fileProperties: JSONObject {
    let profile: JSONValue = [
      "type": ["object", "null"], "properties": .object(layerProperties), "additionalProperties": false,
    ]
    return [
      "include": [
        "description": "Files laid over this one, in order; paths start at this file.",
        "type": ["string", "array", "null"], "items": ["type": "string"],
      ],
      "profiles": [
        "description": "What --profile NAME lays over the file.", "type": ["object", "null"],
        "additionalProperties": profile,
      ],
    ]
  }

  private var definitions: JSONValue {
    let entries = plugins.map { plugin in
      (plugin.name, SectionSchema.section(plugin.configuration.init(), help: plugin.summary, also: Self.reserved))
    }
    return [
      "host": SectionSchema.section(HostConfiguration()),
      "logging": SectionSchema.section(LoggingConfiguration()),
      "lifecycle": SectionSchema.section(LifecycleConfiguration()),
      "plugins": [
        "type": ["object", "null"], "properties": .object(JSONObject(entries)), "additionalProperties": false,
      ],
      "rules": ["type": ["array", "null"], "items": Self.rule],
      "substitution": ["type": "string", "pattern": "\\$\\{[^}]*\\}"],
      "duration": ["type": "string", "pattern": .string(SectionSchema.durationPattern)],
      "size": [
        "type": ["string", "integer"], "pattern": .string(SectionSchema.sizePattern), "minimum": 0,
      ],
    ]
  }

  /// A rule: a topic, perhaps conditions, and one action, whose name the plugins decide.
  private static var rule: JSONValue {
    [
      "type": "object",
      "properties": [
        "on": ["description": "The topic, or a pattern such as plugin.*.", "type": "string"],
        "where": ["description": "What fields of the event must be.", "type": ["object", "null"]],
      ],
      "required": ["on"],
    ]
  }

  private static var reserved: JSONObject {
    [
      "enabled": SectionSchema.field(Field(wrappedValue: true, "Whether the plugin runs.")),
      "lifecycle": ["description": "How the host treats the plugin.", "$ref": "#/$defs/lifecycle"],
    ]
  }
}

/// The schemas of sections and fields.
enum SectionSchema {
  static let durationPattern =
    "^(?=.)([0-9]+(\\.[0-9]+)?d)?([0-9]+(\\.[0-9]+)?h)?([0-9]+(\\.[0-9]+)?m)?"
    + "([0-9]+(\\.[0-9]+)?s)?([0-9]+(\\.[0-9]+)?ms)?([0-9]+(\\.[0-9]+)?us)?([0-9]+ns)?$"
  static let sizePattern = "^[0-9]+(\\.[0-9]+)? *(B|[kK]B|KiB|MB|MiB|GB|GiB|TB|TiB)?$"
  private static let null: JSONValue = ["type": "null"]
  private static let substitution: JSONValue = ["$ref": "#/$defs/substitution"]
  /// A section may hold sections like itself, through lists; so deep they are described.
  private static let deepest = 6

  static func section(
    _ section: any PluginConfiguration, help: String? = nil, also: JSONObject = [:], depth: Int = 0,
    isItem: Bool = false
  ) -> JSONValue {
    let fields = DeclaredField.fields(of: section).map { ($0.key, field($0.field, depth: depth, isItem: isItem)) }
    var object: JSONObject = [:]
    object["description"] = help.map { .string($0) }
    object["type"] = ["object", "null"]
    object["properties"] = .object(JSONObject(Array(also) + fields))
    object["additionalProperties"] = false
    return .object(object)
  }

  /// - Parameter isItem: Whether the field is inside a list or a free map, where environment variables do not reach.
  static func field(_ field: any AnyField, depth: Int = 0, isItem: Bool = false) -> JSONValue {
    let help = description(of: field.declaration, isItem: isItem)
    if field.shape.isSection, let section = field.section {
      return self.section(section, help: help, depth: depth + 1, isItem: isItem)
    }
    var object: JSONObject = ["description": .string(help)]
    object["examples"] = field.declaration.example.map { [.string($0)] }
    object["deprecated"] = field.declaration.deprecated == nil ? nil : .some(.bool(true))
    let standard = field.rendering(revealed: false)
    object["default"] = standard == .null || field.shape.isSecret ? nil : .some(standard)
    object["anyOf"] = .array(alternatives(field.shape, field.declaration, depth: depth) + [null])
    return .object(object)
  }

  private static func description(of declaration: FieldDeclaration, isItem: Bool) -> String {
    var text = declaration.help
    if let unit = declaration.unit { text += " Unit: \(unit)." }
    if let range = declaration.rangeText { text += " Must be \(range)." }
    if let environment = declaration.environment, !isItem { text += " Environment: \(environment.summary)." }
    if let reason = declaration.deprecated { text += " Deprecated: \(reason)." }
    return text
  }

  /// What a shape accepts: itself and, unless it takes any text or has parts, a `${…}`.
  private static func alternatives(_ shape: ConfigShape, _ declaration: FieldDeclaration, depth: Int) -> [JSONValue] {
    switch shape {
    case .optional(let inner), .secret(let inner): alternatives(inner, declaration, depth: depth)
    case .text, .form: hasTextRules(declaration) ? [text(declaration), substitution] : [text(declaration)]
    case .choice(let words): [["enum": .array(words.map { .string($0) })], substitution]
    case .boolean: [["type": "boolean"], substitution]
    case .number: [typed("number", lower: declaration.lower, upper: declaration.upper), substitution]
    case .integer(let range): [integer(range, declaration), substitution]
    case .duration: [["$ref": "#/$defs/duration"], substitution]
    case .bytes: [["$ref": "#/$defs/size"], substitution]
    case .anything: [[:]]
    case .list(let item): [["type": "array", "items": any(item, depth: depth)]]
    case .dictionary(let value): [["type": "object", "additionalProperties": any(value, depth: depth)]]
    case .section(let type):
      [depth < deepest ? section(type.init(), depth: depth + 1, isItem: true) : ["type": "object"]]
    }
  }

  private static func any(_ shape: ConfigShape, depth: Int) -> JSONValue {
    ["anyOf": .array(alternatives(shape, FieldDeclaration(help: ""), depth: depth))]
  }

  private static func hasTextRules(_ declaration: FieldDeclaration) -> Bool {
    declaration.pattern != nil || declaration.minLength != nil
  }

  private static func text(_ declaration: FieldDeclaration) -> JSONValue {
    var object: JSONObject = ["type": "string"]
    object["pattern"] = declaration.pattern.map { .string("^(?:\($0))$") }
    object["minLength"] = declaration.minLength.map { .integer(Int64($0)) }
    return .object(object)
  }

  private static func integer(_ range: ClosedRange<Int>, _ declaration: FieldDeclaration) -> JSONValue {
    // The limits of a 64-bit number are no help to anybody, and many validators cannot count so far.
    let lower: JSONValue? = range.lowerBound == .min ? .none : .integer(Int64(range.lowerBound))
    let upper: JSONValue? = range.upperBound == .max ? .none : .integer(Int64(range.upperBound))
    return typed("integer", lower: declaration.lower ?? lower, upper: declaration.upper ?? upper)
  }

  private static func typed(_ name: String, lower: JSONValue?, upper: JSONValue?) -> JSONValue {
    var object: JSONObject = ["type": .string(name)]
    object["minimum"] = lower
    object["maximum"] = upper
    return .object(object)
  }
}
