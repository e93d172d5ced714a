extension Optional: ConfigValue where Wrapped: ConfigValue {
  /// What it wraps, or nothing.
  public static var configShape: ConfigShape { .optional(Wrapped.configShape) }

  /// Reads what it wraps.
  public static func configValue(
    from node: ConfigTree, over base: Wrapped??, at path: ConfigPath, reading: ConfigReading
  ) -> Wrapped?? {
    guard let value = Wrapped.configValue(from: node, over: base ?? nil, at: path, reading: reading) else { return nil }
    return .some(.some(value))
  }

  /// What it wraps, or null.
  public func configRendering(revealed: Bool) -> JSONValue {
    map { $0.configRendering(revealed: revealed) } ?? .null
  }
}

extension Array: ConfigValue where Element: ConfigValue {
  /// A list.
  public static var configShape: ConfigShape { .list(Element.configShape) }

  /// Reads every item, reporting all that is wrong with any.
  public static func configValue(
    from node: ConfigTree, over base: [Element]?, at path: ConfigPath, reading: ConfigReading
  ) -> [Element]? {
    guard let items = node.list else {
      if Element.configShape.isSection { return reading.structureMismatch(node, at: path, expected: "a list") }
      let text = reading.isHidden(node) ? nil : node.scalar.map { "write [\($0.text)]" }
      return reading.mismatch(node, at: path, expected: "a list", remedy: text)
    }
    return reading.inCollection {
      let values = items.enumerated().map { index, item in
        Element.configValue(from: item, over: nil, at: path.index(index), reading: reading)
      }
      return values.contains { $0 == nil } ? nil : values.compactMap { $0 }
    }
  }

  /// A list.
  public func configRendering(revealed: Bool) -> JSONValue {
    .array(map { $0.configRendering(revealed: revealed) })
  }
}

extension Dictionary: ConfigValue where Key == String, Value: ConfigValue {
  /// A map with keys of the user's choice.
  public static var configShape: ConfigShape { .dictionary(Value.configShape) }

  /// Reads every value, reporting all that is wrong with any. A key that is set to null is left out.
  public static func configValue(
    from node: ConfigTree, over base: [String: Value]?, at path: ConfigPath, reading: ConfigReading
  ) -> [String: Value]? {
    guard let entries = node.map else { return reading.structureMismatch(node, at: path, expected: "a map") }
    return reading.inCollection {
      var values: [String: Value] = [:]
      var isComplete = true
      for entry in entries where !(entry.value.scalar?.isExplicitNull ?? false) {
        let value = Value.configValue(
          from: entry.value, over: nil, at: path.key(entry.key), reading: reading)
        isComplete = isComplete && value != nil
        values[entry.key] = value
      }
      return isComplete ? values : nil
    }
  }

  /// A map.
  public func configRendering(revealed: Bool) -> JSONValue {
    .object(JSONObject(sorted { $0.key < $1.key }.map { ($0.key, $0.value.configRendering(revealed: revealed)) }))
  }
}
