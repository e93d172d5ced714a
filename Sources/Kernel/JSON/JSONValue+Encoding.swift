extension JSONValue {
  /// How deep an encoded value may nest.
  static let encodingDepth = 64

  /// Renders a value as its `Encodable` conformance describes it, without Foundation. A `Duration` becomes seconds,
  /// a number that is not finite a string. Throws what the value's own `encode(to:)` throws, and `EncodingError` if it
  /// nests deeper than 64 levels.
  public init(encoding value: some Encodable) throws {
    self = try JSONEncoding.render(value, path: [])
  }

  /// Renders a value; one that cannot be encoded becomes an object that says why.
  init(describing value: some Encodable) {
    do {
      try self.init(encoding: value)
    } catch {
      self = .object(["encoding_error": .string(String(describing: type(of: error)))])
    }
  }
}

extension Duration {
  /// Seconds, with what a `Double` keeps of the fraction.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

private enum JSONEncoding {
  static func render(_ value: some Encodable, path: [any CodingKey]) throws -> JSONValue {
    if let known = known(value) { return known }
    if path.count >= JSONValue.encodingDepth { throw tooDeep(value, path) }
    let encoding = ValueEncoder(codingPath: path)
    try value.encode(to: encoding)
    return encoding.slot.value
  }

  /// Types whose own rendering is not what a reader of JSON expects, and values that are JSON already.
  private static func known(_ value: some Encodable) -> JSONValue? {
    switch value {
    case let value as Duration: .number(value.inSeconds)
    case let value as JSONValue: value
    default: nil
    }
  }

  private static func tooDeep(_ value: some Encodable, _ path: [any CodingKey]) -> EncodingError {
    let message = "nests deeper than \(JSONValue.encodingDepth) levels"
    return .invalidValue(value, .init(codingPath: path, debugDescription: message))
  }

  static func integer(_ value: some BinaryInteger) -> JSONValue {
    Int64(exactly: value).map { .integer($0) } ?? .number(Double(value))
  }
}

/// Where a value under construction is put. Containers may be filled after the next one was opened, so each is a
/// reference until the whole is read.
private final class Slot {
  enum Content {
    case none
    case scalar(JSONValue)
    case array([Slot])
    case object([(String, Slot)])
  }

  var content = Content.none

  var value: JSONValue {
    switch content {
    case .none: .object([:])
    case .scalar(let value): value
    case .array(let slots): .array(slots.map(\.value))
    case .object(let slots): .object(JSONObject(slots.map { ($0, $1.value) }))
    }
  }

  func makeObject() { if case .object = content {} else { content = .object([]) } }

  func makeArray() { if case .array = content {} else { content = .array([]) } }

  var count: Int { if case .array(let slots) = content { slots.count } else { 0 } }

  func append() -> Slot {
    let slot = Slot()
    guard case .array(var slots) = content else { return slot }
    content = .none
    slots.append(slot)
    content = .array(slots)
    return slot
  }

  func append(_ key: String) -> Slot {
    let slot = Slot()
    guard case .object(var slots) = content else { return slot }
    content = .none
    slots.append((key, slot))
    content = .object(slots)
    return slot
  }
}

private struct ValueEncoder: Encoder {
  let codingPath: [any CodingKey]
  let slot: Slot
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  init(codingPath: [any CodingKey], slot: Slot = Slot()) {
    self.codingPath = codingPath
    self.slot = slot
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    slot.makeObject()
    return KeyedEncodingContainer(ObjectContainer(codingPath: codingPath, slot: slot))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    slot.makeArray()
    return ArrayContainer(codingPath: codingPath, slot: slot)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    ScalarContainer(codingPath: codingPath, slot: slot)
  }
}

private struct ScalarContainer: SingleValueEncodingContainer {
  let codingPath: [any CodingKey]
  let slot: Slot

  private func put(_ value: JSONValue) { slot.content = .scalar(value) }

  func encodeNil() { put(.null) }
  func encode(_ value: Bool) { put(.bool(value)) }
  func encode(_ value: String) { put(.string(value)) }
  func encode(_ value: Double) { put(value.isFinite ? .number(value) : .string(value.jsonName)) }
  func encode(_ value: Float) { encode(Double(value.description) ?? Double(value)) }
  func encode(_ value: Int) { put(JSONEncoding.integer(value)) }
  func encode(_ value: Int8) { put(JSONEncoding.integer(value)) }
  func encode(_ value: Int16) { put(JSONEncoding.integer(value)) }
  func encode(_ value: Int32) { put(JSONEncoding.integer(value)) }
  func encode(_ value: Int64) { put(JSONEncoding.integer(value)) }
  func encode(_ value: UInt) { put(JSONEncoding.integer(value)) }
  func encode(_ value: UInt8) { put(JSONEncoding.integer(value)) }
  func encode(_ value: UInt16) { put(JSONEncoding.integer(value)) }
  func encode(_ value: UInt32) { put(JSONEncoding.integer(value)) }
  func encode(_ value: UInt64) { put(JSONEncoding.integer(value)) }

  func encode(_ value: some Encodable) throws {
    put(try JSONEncoding.render(value, path: codingPath + [JSONKey(stringValue: "value")]))
  }
}

private struct ObjectContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let codingPath: [any CodingKey]
  let slot: Slot

  private func scalar(_ key: Key) -> ScalarContainer {
    ScalarContainer(codingPath: codingPath, slot: slot.append(key.stringValue))
  }

  func encodeNil(forKey key: Key) { scalar(key).encodeNil() }
  func encode(_ value: Bool, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: String, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: Double, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: Float, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: Int, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: Int8, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: Int16, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: Int32, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: Int64, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: UInt, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: UInt8, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: UInt16, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: UInt32, forKey key: Key) { scalar(key).encode(value) }
  func encode(_ value: UInt64, forKey key: Key) { scalar(key).encode(value) }

  func encode(_ value: some Encodable, forKey key: Key) throws {
    let rendered = try JSONEncoding.render(value, path: codingPath + [key])
    slot.append(key.stringValue).content = .scalar(rendered)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy keyType: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    superEncoder(forKey: key).container(keyedBy: keyType)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    superEncoder(forKey: key).unkeyedContainer()
  }

  func superEncoder() -> any Encoder {
    ValueEncoder(codingPath: codingPath + [JSONKey(stringValue: "super")], slot: slot.append("super"))
  }

  func superEncoder(forKey key: Key) -> any Encoder {
    ValueEncoder(codingPath: codingPath + [key], slot: slot.append(key.stringValue))
  }
}

private struct ArrayContainer: UnkeyedEncodingContainer {
  let codingPath: [any CodingKey]
  let slot: Slot
  var count: Int { slot.count }

  private var scalar: ScalarContainer { ScalarContainer(codingPath: codingPath, slot: slot.append()) }

  func encodeNil() { scalar.encodeNil() }
  func encode(_ value: Bool) { scalar.encode(value) }
  func encode(_ value: String) { scalar.encode(value) }
  func encode(_ value: Double) { scalar.encode(value) }
  func encode(_ value: Float) { scalar.encode(value) }
  func encode(_ value: Int) { scalar.encode(value) }
  func encode(_ value: Int8) { scalar.encode(value) }
  func encode(_ value: Int16) { scalar.encode(value) }
  func encode(_ value: Int32) { scalar.encode(value) }
  func encode(_ value: Int64) { scalar.encode(value) }
  func encode(_ value: UInt) { scalar.encode(value) }
  func encode(_ value: UInt8) { scalar.encode(value) }
  func encode(_ value: UInt16) { scalar.encode(value) }
  func encode(_ value: UInt32) { scalar.encode(value) }
  func encode(_ value: UInt64) { scalar.encode(value) }

  func encode(_ value: some Encodable) throws {
    let rendered = try JSONEncoding.render(value, path: codingPath + [JSONKey(intValue: count)])
    slot.append().content = .scalar(rendered)
  }

  func nestedContainer<Nested: CodingKey>(keyedBy keyType: Nested.Type) -> KeyedEncodingContainer<Nested> {
    superEncoder().container(keyedBy: keyType)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { superEncoder().unkeyedContainer() }

  func superEncoder() -> any Encoder {
    ValueEncoder(codingPath: codingPath + [JSONKey(intValue: count)], slot: slot.append())
  }
}
