extension String: ConfigValue {
  /// Any text.
  public static var configShape: ConfigShape { .text }

  /// Reads a scalar's text, whatever it looks like.
  public static func configValue(
    from node: ConfigTree, over base: String?, at path: ConfigPath, reading: ConfigReading
  ) -> String? {
    reading.scalar(node, at: path, expected: "text")?.text
  }

  /// Itself.
  public func configRendering(revealed: Bool) -> JSONValue { .string(self) }
}

extension Bool: ConfigValue {
  /// `true` or `false`.
  public static var configShape: ConfigShape { .boolean }

  /// Reads `true` or `false`; from an environment variable or a substitution also `1`, `0`, `yes`, `no`, `on`, `off`.
  public static func configValue(
    from node: ConfigTree, over base: Bool?, at path: ConfigPath, reading: ConfigReading
  ) -> Bool? {
    let expected = "true or false"
    guard let scalar = reading.scalar(node, at: path, expected: expected) else { return nil }
    let meaning = meaning(of: scalar.text)
    switch scalar.style {
    case .plain where ["true", "True", "TRUE", "false", "False", "FALSE"].contains(scalar.text): return meaning
    case .foreign where meaning != nil: return meaning
    case .quoted where meaning != nil:
      return reading.mismatch(node, at: path, expected: expected, remedy: "take the quotes away")
    default:
      return reading.mismatch(node, at: path, expected: expected, remedy: meaning.map { "write \($0)" })
    }
  }

  private static func meaning(of text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "on", "1", "y": true
    case "false", "no", "off", "0", "n": false
    default: nil
    }
  }

  /// Itself.
  public func configRendering(revealed: Bool) -> JSONValue { .bool(self) }
}

extension ConfigValue where Self: FixedWidthInteger {
  /// A whole number that fits.
  public static var configShape: ConfigShape { .integer(Int(clamping: Self.min)...Int(clamping: Self.max)) }

  /// Reads a whole number: decimal, `0x` or `0o`.
  public static func configValue(
    from node: ConfigTree, over base: Self?, at path: ConfigPath, reading: ConfigReading
  ) -> Self? {
    let expected = "a whole number"
    guard let scalar = reading.scalar(node, at: path, expected: expected) else { return nil }
    let value = IntegerText.parse(scalar.text, as: Self.self)
    switch (value, scalar.style) {
    case (let value?, .plain), (let value?, .foreign): return value
    case (_?, .quoted): return reading.mismatch(node, at: path, expected: expected, remedy: "take the quotes away")
    case (nil, _) where IntegerText.looksLikeOne(scalar.text):
      return reading.mismatch(node, at: path, expected: "between \(Self.min) and \(Self.max)")
    case (nil, _):
      return reading.mismatch(node, at: path, expected: expected, remedy: IntegerText.remedy(for: scalar.text))
    }
  }

  /// The number.
  public func configRendering(revealed: Bool) -> JSONValue { .integer(Int64(clamping: self)) }
}

extension Int: ConfigValue {}
extension Int8: ConfigValue {}
extension Int16: ConfigValue {}
extension Int32: ConfigValue {}
extension Int64: ConfigValue {}
extension UInt: ConfigValue {}
extension UInt8: ConfigValue {}
extension UInt16: ConfigValue {}
extension UInt32: ConfigValue {}
extension UInt64: ConfigValue {}

/// How whole numbers are written in YAML's core schema.
private enum IntegerText {
  static func parse<Number: FixedWidthInteger>(_ text: String, as type: Number.Type) -> Number? {
    if text.hasPrefix("0x") { return digits(text.dropFirst(2), radix: 16) }
    if text.hasPrefix("0o") { return digits(text.dropFirst(2), radix: 8) }
    return Number(text, radix: 10)
  }

  private static func digits<Number: FixedWidthInteger>(_ text: Substring, radix: Int) -> Number? {
    text.first.map { $0 == "-" || $0 == "+" } == false ? Number(text, radix: radix) : nil
  }

  static func looksLikeOne(_ text: String) -> Bool {
    let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : Substring(text)
    return !digits.isEmpty && digits.allSatisfy { ("0"..."9").contains($0) }
  }

  static func remedy(for text: String) -> String? {
    let digits = text.filter { $0 != "_" && $0 != "," && $0 != "'" }
    return digits != text && looksLikeOne(digits) ? "write \(digits)" : nil
  }
}

extension Double: ConfigValue {
  /// A number.
  public static var configShape: ConfigShape { .number }

  /// Reads a finite number.
  public static func configValue(
    from node: ConfigTree, over base: Double?, at path: ConfigPath, reading: ConfigReading
  ) -> Double? {
    guard let scalar = reading.scalar(node, at: path, expected: "a number") else { return nil }
    guard let value = number(scalar.text) else { return reading.mismatch(node, at: path, expected: "a number") }
    guard scalar.style != .quoted else {
      return reading.mismatch(node, at: path, expected: "a number", remedy: "take the quotes away")
    }
    return value
  }

  private static func number(_ text: String) -> Double? {
    guard text.unicodeScalars.allSatisfy({ "0123456789+-.eE".unicodeScalars.contains($0) }) else { return nil }
    return Double(text).flatMap { $0.isFinite ? $0 : nil }
  }

  /// The number.
  public func configRendering(revealed: Bool) -> JSONValue { .number(self) }
}

extension Duration: ConfigValue {
  /// A number with a unit of time.
  public static var configShape: ConfigShape { .duration }

  /// Reads `30s`, `250ms`, `1h30m`.
  public static func configValue(
    from node: ConfigTree, over base: Duration?, at path: ConfigPath, reading: ConfigReading
  ) -> Duration? {
    let expected = "a duration such as 30s, 250ms or 1h30m"
    guard let scalar = reading.scalar(node, at: path, expected: expected) else { return nil }
    if let duration = DurationText.parse(scalar.text) { return duration }
    let isBare = Double(scalar.text) != nil && !reading.isSecret(scalar)
    return reading.mismatch(
      node, at: path, expected: expected,
      remedy: isBare ? "give it a unit: \(scalar.text)s or \(scalar.text)ms" : nil)
  }

  /// The shortest exact spelling.
  public func configRendering(revealed: Bool) -> JSONValue { .string(DurationText.text(self)) }
}

extension ByteCount: ConfigValue {
  /// A number with a unit of size.
  public static var configShape: ConfigShape { .bytes }

  /// Reads `64MiB`, `1MB`, or a plain number of bytes.
  public static func configValue(
    from node: ConfigTree, over base: ByteCount?, at path: ConfigPath, reading: ConfigReading
  ) -> ByteCount? {
    let expected = "a size such as 64MiB, 1MB or 512"
    guard let scalar = reading.scalar(node, at: path, expected: expected) else { return nil }
    return ByteCount(parsing: scalar.text) ?? reading.mismatch(node, at: path, expected: expected)
  }

  /// In the largest unit that needs no fraction.
  public func configRendering(revealed: Bool) -> JSONValue { .string(description) }
}

extension Secret: ConfigValue where Value: ConfigValue {
  /// What it hides, never shown.
  public static var configShape: ConfigShape { .secret(Value.configShape) }

  /// Reads what it hides; nothing of it appears in a message.
  public static func configValue(
    from node: ConfigTree, over base: Secret<Value>?, at path: ConfigPath, reading: ConfigReading
  ) -> Secret<Value>? {
    reading.hide(node)
    return reading.inSecret {
      Value.configValue(from: node, over: base?.reveal(), at: path, reading: reading).map { Secret($0) }
    }
  }

  /// `<redacted>`, unless it is revealed.
  public func configRendering(revealed: Bool) -> JSONValue {
    revealed ? reveal().configRendering(revealed: true) : .string("<redacted>")
  }
}
