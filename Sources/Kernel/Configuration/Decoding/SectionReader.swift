/// A field of a section: the property it belongs to and the key it has in the manifest.
struct DeclaredField {
  let property: String
  let key: String
  let field: any AnyField

  /// The fields of a section, in the order of their declaration.
  static func fields(of section: any PluginConfiguration) -> [DeclaredField] {
    Mirror(reflecting: section).children.compactMap { child in
      guard let label = child.label, let field = child.value as? any AnyField else { return nil }
      let property = label.first == "_" ? String(label.dropFirst()) : label
      return DeclaredField(property: property, key: snakeCase(property), field: field)
    }
  }

  /// Stored properties that are not fields: a mistake of the section's author.
  static func strangers(of section: any PluginConfiguration) -> [String] {
    Mirror(reflecting: section).children.filter { !($0.value is any AnyField) }.map { $0.label ?? "?" }
  }

  /// `acquireTimeout` → `acquire_timeout`, `tlsCAFile` → `tls_ca_file`.
  static func snakeCase(_ name: String) -> String {
    let letters = Array(name)
    var result = ""
    for (index, letter) in letters.enumerated() {
      let startsWord =
        letter.isUppercase && index > 0
        && (!letters[index - 1].isUppercase || (index + 1 < letters.count && letters[index + 1].isLowercase))
      if startsWord, letters[index - 1] != "_" { result += "_" }
      result += letter.lowercased()
    }
    return result
  }
}

/// Fills one section: lays each field over what is written, refuses unknown keys, runs the section's own checks.
///
/// A section is a `Decodable` struct of property wrappers. Its synthesised `init(from:)` asks a keyed container for each
/// wrapper; ours hands back the wrappers of the default instance, each with its value laid over.
struct SectionReader<Section: PluginConfiguration> {
  private let base: Section
  private let path: ConfigPath
  private let reading: ConfigReading

  init(_ base: Section, at path: ConfigPath, reading: ConfigReading) {
    self.base = base
    self.path = path
    self.reading = reading
  }

  /// The section as written, or nil if what is written is no map.
  func read(_ node: ConfigTree, alsoKnown: [String] = []) -> Section? {
    guard let entries = node.isNull ? [] : node.map else {
      return reading.structureMismatch(node, at: path, expected: "a map")
    }
    let declared = DeclaredField.fields(of: base)
    guard isWellDeclared(declared, reserved: alsoKnown, node) else { return base }
    let errors = reading.errorCount
    let values = reading.values.count
    let laid = declared.map { declared in
      DeclaredField(
        property: declared.property, key: declared.key,
        field: declared.field.laid(over: node[declared.key], at: path.key(declared.key), reading: reading))
    }
    refuseUnknownKeys(entries, known: declared.map(\.key) + alsoKnown)
    guard let section = assembled(laid, node) else { return base }
    if errors == reading.errorCount { validate(section, node, reading.values[values...]) }
    return section
  }

  private func isWellDeclared(_ declared: [DeclaredField], reserved: [String], _ node: ConfigTree) -> Bool {
    let strangers = DeclaredField.strangers(of: base)
    for name in strangers {
      reading.report(
        .error, .declaration, node, path, "property '\(name)' of \(Section.self) is not a @Field",
        remedy: "declare it as @Field(\"What it is for.\") var \(name)")
    }
    let clashes = declared.filter { reserved.contains($0.key) }
    for field in clashes {
      reading.report(
        .error, .declaration, node, path.key(field.key),
        "property '\(field.property)' of \(Section.self) has a key that the host keeps for itself",
        remedy: "rename the property")
    }
    return strangers.isEmpty && clashes.isEmpty
  }

  private func refuseUnknownKeys(_ entries: [ConfigEntry], known: [String]) {
    for entry in entries where !known.contains(entry.key) {
      reading.hideInExcerpts(entry.value)
      reading.add(
        ConfigIssue(
          .error, .unknownKey, at: entry.keyOrigin, path: path.key(entry.key), "unknown key",
          remedy: UnknownName.remedy(for: entry.key, known: known, plural: "keys")))
    }
  }

  private func assembled(_ fields: [DeclaredField], _ node: ConfigTree) -> Section? {
    do {
      return try Section(from: SectionDecoder(fields: fields))
    } catch {
      reading.report(
        .error, .declaration, node, path, "\(Section.self) cannot be assembled from its fields: \(error)",
        remedy: "leave init(from:) and CodingKeys of \(Section.self) to the compiler")
      return nil
    }
  }

  private func validate(_ section: Section, _ node: ConfigTree, _ values: ArraySlice<ConfigValueReport>) {
    let origins = Dictionary(values.map { ($0.path, $0.origin) }, uniquingKeysWith: { first, _ in first })
    let prefix = path.steps.count
    var checks = ConfigurationChecks(path: path, environment: reading.hostEnvironment) { full in
      if let origin = origins[full], origin != .standard { return origin }
      let relative = ConfigPath(Array(full.steps.dropFirst(prefix)))
      return node.value(at: relative)?.origin ?? node.origin
    }
    section.validate(into: &checks)
    for issue in checks.issues {
      reading.add(
        ConfigIssue(
          issue.severity, issue.code, at: issue.origin, path: issue.path, reading.scrubbed(issue.message),
          remedy: issue.remedy.map(reading.scrubbed)))
    }
  }
}

/// What to say about a name nobody knows.
enum UnknownName {
  /// `did you mean 'max'?`, or what there is.
  static func remedy(for name: String, known: [String], plural: String) -> String {
    if let similar = Spelling.closest(to: name, among: known) { return "did you mean '\(similar)'?" }
    return known.isEmpty
      ? "there are no \(plural) here" : "known \(plural): \(known.sorted().joined(separator: ", "))"
  }
}

/// The decoder a section's `init(from:)` sees.
private struct SectionDecoder: Decoder {
  let fields: [DeclaredField]
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(SectionContainer<Key>(fields: fields))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw SectionMistake.notFields }
  func singleValueContainer() throws -> any SingleValueDecodingContainer { throw SectionMistake.notFields }
}

/// A section that decodes something else than its fields.
private enum SectionMistake: Error, CustomStringConvertible {
  case notFields
  case noField(String)

  var description: String {
    switch self {
    case .notFields: "its init(from:) asks for something else than fields"
    case .noField(let name): "its init(from:) asks for '\(name)', which is no field"
    }
  }
}

private struct SectionContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let fields: [DeclaredField]
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { fields.compactMap { Key(stringValue: $0.property) } }

  func contains(_ key: Key) -> Bool { fields.contains { $0.property == key.stringValue } }
  func decodeNil(forKey key: Key) -> Bool { false }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    guard let value = fields.first(where: { $0.property == key.stringValue })?.field as? Value else {
      throw SectionMistake.noField(key.stringValue)
    }
    return value
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> { throw SectionMistake.notFields }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw SectionMistake.notFields }
  func superDecoder() throws -> any Decoder { throw SectionMistake.notFields }
  func superDecoder(forKey key: Key) throws -> any Decoder { throw SectionMistake.notFields }
}
