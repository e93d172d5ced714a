// Types whose text form is their description.

extension PostgresCell {
  func parsed<Value: LosslessStringConvertible>() throws(PostgresError) -> Value {
    guard let value = Value(try text()) else {
      throw PostgresError(
        .decoding,
        "the text is not a \(type) as the server writes it with DateStyle ISO and IntervalStyle postgres")
    }
    return value
  }
}

extension Decoder {
  func parsed<Value: LosslessStringConvertible>() throws -> Value {
    let container = try singleValueContainer()
    guard let value = Value(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not the text of a \(Value.self)")
    }
    return value
  }
}

extension Encoder {
  func write(_ value: some LosslessStringConvertible) throws {
    var container = singleValueContainer()
    try container.encode(value.description)
  }
}
