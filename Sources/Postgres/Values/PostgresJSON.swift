import FoundationEssentials
public import MainstayKernel

/// A value that is kept as `json` or `jsonb`: `\(PostgresJSON(settings))`, `row["settings"] as PostgresJSON<Settings>`.
/// Dates in it are texts in ISO 8601, as PostgreSQL writes them into JSON.
public struct PostgresJSON<Value: Sendable>: Sendable {
  /// The value.
  public var value: Value

  /// A value.
  public init(_ value: Value) { self.value = value }
}

extension PostgresJSON: Equatable where Value: Equatable {}
extension PostgresJSON: Hashable where Value: Hashable {}

extension PostgresJSON: PostgresEncodable where Value: Encodable {
  /// `jsonb`, which the server turns into `json` where a column needs that.
  public static var postgresType: PostgresType { .jsonb }

  /// Appends the value as JSON. Throws if it cannot be encoded.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(JSONForm.version)
    writer.write(bytes: try JSONForm.encode(value))
  }
}

extension PostgresJSON: PostgresDecodable where Value: Decodable {
  /// Reads a `json` or `jsonb`. The error says where in the document it lies, and nothing of what stands there.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    self.init(try JSONForm.decode(Value.self, from: cell))
  }
}

extension PostgresJSON: Codable where Value: Codable {
  /// Reads the value itself.
  public init(from decoder: any Decoder) throws { self.init(try Value(from: decoder)) }
  /// Writes the value itself.
  public func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}

extension JSONValue: PostgresCodable {
  /// `jsonb`, which the server turns into `json` where a column needs that.
  public static var postgresType: PostgresType { .jsonb }

  /// Appends the document.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(JSONForm.version)
    writer.write(bytes: compact.utf8)
  }

  /// Reads a `json` or `jsonb`. Integers beyond 64 bits become the nearest `Double`.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    do {
      try self.init(parsing: try JSONForm.bytes(of: cell))
    } catch let error as JSONError {
      throw PostgresError(.decoding, "not JSON at line \(error.line), column \(error.column)")
    } catch let error as PostgresError {
      throw error
    } catch {
      throw cell.malformed()
    }
  }
}

/// The bytes of `json` and `jsonb`, and Foundation's coders over them.
enum JSONForm {
  /// The only version of the binary form of `jsonb` (`jsonb_send`): one byte before the text.
  static let version: UInt8 = 1

  static func bytes(of cell: borrowing PostgresCell) throws(PostgresError) -> [UInt8] {
    switch (cell.type, cell.format) {
    case (.json, _), (.jsonb, .text): return Array(cell.bytes)
    case (.jsonb, .binary):
      guard cell.bytes.first == version else { throw cell.malformed() }
      return Array(cell.bytes.dropFirst())
    default: throw cell.unsupported()
    }
  }

  static func decode<Value: Decodable>(_ type: Value.Type, from cell: borrowing PostgresCell) throws(PostgresError)
    -> Value
  {
    let bytes = try bytes(of: cell)
    do {
      return try decoder.decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw PostgresError(.decoding, error.withoutData)
    } catch {
      throw PostgresError(.decoding, "the document cannot be read so")
    }
  }

  /// nil if the type has one.
  static func null<Value>(_ type: Value.Type) throws(PostgresError) -> Value {
    if let optional = type as? any ExpressibleByNilLiteral.Type, let value = optional.init(nilLiteral: ()) as? Value {
      return value
    }
    throw PostgresError(.decoding, "the value is NULL; ask for \(type)? instead")
  }

  static func encode(_ value: some Encodable) throws(PostgresError) -> Data {
    do {
      return try encoder.encode(value)
    } catch {
      throw PostgresError(.encoding, "a \(Swift.type(of: value)) cannot be written as JSON")
    }
  }

  private static let decoder: JSONDecoder = {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .custom { decoder in
      let instant: PostgresTimestamp = try decoder.parsed()
      guard let date = Date(instant) else {
        throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not a finite date"))
      }
      return date
    }
    return decoder
  }()

  private static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .custom { date, encoder in
      let text = try PostgresTimestamp(date).description
      var container = encoder.singleValueContainer()
      try container.encode(text.replacing(" ", with: "T", maxReplacements: 1) + ":00")
    }
    return encoder
  }()
}

extension DecodingError {
  /// What is wrong and at which path; the descriptions of coders may quote values.
  var withoutData: String {
    switch self {
    case .typeMismatch(let type, let context): "not a \(type) at \(context.place)"
    case .valueNotFound(let type, let context): "no value for \(type) at \(context.place)"
    case .keyNotFound(let key, let context): "no '\(key.step)' at \(context.place)"
    case .dataCorrupted(let context): "not valid at \(context.place)"
    @unknown default: "not as the type expects it"
    }
  }
}

extension DecodingError.Context {
  /// `/patients/3/name`, or the top level. The keys of dictionaries may be data and are shown as a star.
  fileprivate var place: String {
    codingPath.isEmpty ? "the top level" : codingPath.map { "/\($0.step)" }.joined()
  }
}

extension CodingKey {
  var step: String {
    if let intValue { return String(intValue) }
    return Mirror(reflecting: self).displayStyle == .enum ? stringValue : "*"
  }
}
