// The containers through which a `Decodable` type reads a row and a cell. Every method names its type, because the
// protocols of the standard library do.

extension RowDecoder: Decoder {
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(RowContainer<Key>(decoder: self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    throw PostgresError(.decoding, "a row is read by the names of its columns, not as a list; use row[0], row[1]")
  }

  /// A type that reads a single value reads a result of one column.
  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    try result.checkColumnCount(1)
    return CellDecoder(result: result, row: row, column: 0)
  }
}

/// A row, read by the names of its columns.
private struct RowContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: RowDecoder

  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { decoder.columns.compactMap { Key(stringValue: $0.name) } }

  func contains(_ key: Key) -> Bool { decoder.hasColumn(decoder.step(key.stringValue)) }

  func decodeNil(forKey key: Key) throws -> Bool {
    let step = decoder.step(key.stringValue)
    _ = try decoder.column(step)
    return decoder.isNull(step)
  }

  // Inlined, so that the methods below are made of code for their own type.
  @inline(__always)
  private func value<Value: PostgresDecodable>(_ key: Key) throws(PostgresError) -> Value {
    try decoder.value(Value.self, decoder.step(key.stringValue))
  }

  @inline(__always)
  private func optional<Value: PostgresDecodable>(_ key: Key) throws(PostgresError) -> Value? {
    let step = decoder.step(key.stringValue)
    return decoder.hasColumn(step) ? try decoder.value(Value?.self, step) : nil
  }

  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try value(key) }
  func decode(_ type: String.Type, forKey key: Key) throws -> String { try value(key) }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try value(key) }
  func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try value(key) }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try value(key) }
  func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try value(key) }
  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try value(key) }
  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try value(key) }
  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try value(key) }
  func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try value(key) }
  func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try value(key) }
  func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try value(key) }
  func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try value(key) }
  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try value(key) }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try decoder.decode(type, decoder.step(key.stringValue))
  }

  func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try optional(key) }
  func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try optional(key) }
  func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try optional(key) }
  func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { try optional(key) }
  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try optional(key) }
  func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try optional(key) }
  func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { try optional(key) }
  func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try optional(key) }
  func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try optional(key) }
  func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try optional(key) }
  func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { try optional(key) }
  func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { try optional(key) }
  func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { try optional(key) }
  func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { try optional(key) }

  func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
    let step = decoder.step(key.stringValue)
    return decoder.hasColumn(step) && !decoder.isNull(step) ? try decoder.decode(type, step) : nil
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    throw CellDecoder.notNested
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw CellDecoder.notNested }

  func superDecoder() -> any Decoder { decoder }

  func superDecoder(forKey key: Key) throws -> any Decoder {
    let column = try decoder.column(decoder.step(key.stringValue))
    return CellDecoder(result: decoder.result, row: decoder.row, column: column)
  }
}

/// One cell, read as a single value.
struct CellDecoder: Decoder, SingleValueDecodingContainer {
  let result: PostgresResult
  let row: Int32
  let column: Int32

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  static var notNested: PostgresError {
    PostgresError(.decoding, "only json and jsonb columns hold nested values; read them as a Decodable type")
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> { throw place() }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw place() }
  func singleValueContainer() -> any SingleValueDecodingContainer { self }

  private func place() -> PostgresError {
    let column = result.columns[Int(column)]
    return CellDecoder.notNested.located("column '\(column.name)' (\(column.type)) of row \(row)")
  }

  func decodeNil() -> Bool { result.isNull(row: row, column: column) }

  @inline(__always)
  private func value<Value: PostgresDecodable>() throws(PostgresError) -> Value {
    try result.value(Value.self, row: row, column: column)
  }

  func decode(_ type: Bool.Type) throws -> Bool { try value() }
  func decode(_ type: String.Type) throws -> String { try value() }
  func decode(_ type: Double.Type) throws -> Double { try value() }
  func decode(_ type: Float.Type) throws -> Float { try value() }
  func decode(_ type: Int.Type) throws -> Int { try value() }
  func decode(_ type: Int8.Type) throws -> Int8 { try value() }
  func decode(_ type: Int16.Type) throws -> Int16 { try value() }
  func decode(_ type: Int32.Type) throws -> Int32 { try value() }
  func decode(_ type: Int64.Type) throws -> Int64 { try value() }
  func decode(_ type: UInt.Type) throws -> UInt { try value() }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try value() }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try value() }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try value() }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try value() }

  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let columnType = result.columns[Int(column)].type
    return try CellReading(type, isJSON: columnType == .json || columnType == .jsonb)
      .read(type, from: result, row: row, column: column)
  }
}
