/// A value that a reply can be read as.
public protocol RedisDecodable: Sendable {
  /// Reads a reply, or throws a ``RedisError``: the server's own if the reply is an error, else `decoding`.
  init(reply: RESPValue) throws
}

extension RESPValue {
  /// The error for a reply that is not what was asked for. Names kinds, never values.
  public func mismatch(expected: String) -> RedisError {
    if case .error(let text) = self { return RedisError(serverText: text) }
    return RedisError(.decoding, "the reply is \(kind), not \(expected)")
  }
}

extension RESPValue: RedisDecodable {
  /// The reply itself; throws when it is an error.
  @inlinable
  public init(reply: RESPValue) throws {
    if case .error(let text) = reply { throw RedisError(serverText: text) }
    self = reply
  }
}

/// For commands whose reply says nothing but that they were executed.
public struct RedisOK: RedisDecodable, Hashable {
  /// Throws only if the reply is an error.
  @inlinable
  public init(reply: RESPValue) throws {
    if case .error(let text) = reply { throw RedisError(serverText: text) }
  }
}

extension String: RedisDecodable {
  /// Text; bytes that are not UTF-8 are an error, since a repaired text would not be the stored one.
  @inlinable
  public init(reply: RESPValue) throws {
    switch reply {
    case .simple(let text): self = text
    case .bulk(let bytes):
      guard let text = Self.text(bytes) else {
        throw RedisError(.decoding, "the reply is \(bytes.count) bytes that are not UTF-8; read it as [UInt8]")
      }
      self = text
    case .integer(let number): self = String(number)
    default: throw reply.mismatch(expected: "a text")
    }
  }
}

extension String {
  /// The text, if it is one. `String(validating:as:)` makes its types at run time, at a cost of 40 ns a reply.
  @usableFromInline
  static func text(_ bytes: [UInt8]) -> String? {
    guard let text = try? UTF8Span(validating: bytes.span) else { return nil }
    return String(copying: text)
  }
}

extension Array: RedisDecodable where Element: RedisDecodable {
  /// An array of values; for bytes, a bulk string.
  @inlinable
  public init(reply: RESPValue) throws {
    switch reply {
    case .bulk(let bytes):
      // A comparison of types instead of a cast, which looks through the array's type at run time.
      guard Element.self == UInt8.self else { throw reply.mismatch(expected: "an array") }
      self = unsafeBitCast(bytes, to: [Element].self)
    case .simple(let text):
      guard let bytes = [UInt8](text.utf8) as? [Element] else { throw reply.mismatch(expected: "an array") }
      self = bytes
    case .array(let items): self = try items.map { try Element(reply: $0) }
    default: throw reply.mismatch(expected: "an array")
    }
  }
}

extension UInt8: RedisDecodable {
  /// A number from 0 to 255. What matters is that this makes `[UInt8]` readable, as the bytes of a bulk string.
  @inlinable
  public init(reply: RESPValue) throws {
    guard let number = UInt8(exactly: try Int64(reply: reply)) else { throw reply.mismatch(expected: "a byte") }
    self = number
  }
}

extension Int64: RedisDecodable {
  /// An integer, also one that the server keeps as text.
  @inlinable
  public init(reply: RESPValue) throws {
    switch reply {
    case .integer(let number): self = number
    case .bulk(let bytes):
      guard let number = Int64(String(decoding: bytes, as: UTF8.self)) else {
        throw RedisError(.decoding, "the reply is a bulk string that is no integer of 64 bits")
      }
      self = number
    case .simple(let text):
      guard let number = Int64(text) else { throw reply.mismatch(expected: "an integer") }
      self = number
    default: throw reply.mismatch(expected: "an integer")
    }
  }
}

extension Int: RedisDecodable {
  /// An integer, also one that the server keeps as text.
  @inlinable
  public init(reply: RESPValue) throws {
    if case .integer(let number) = reply { self = Int(number) } else { self = Int(try Int64(reply: reply)) }
  }
}

extension Bool: RedisDecodable {
  /// `1` and `OK` are true, `0` and null are false, as the server says yes and no.
  @inlinable
  public init(reply: RESPValue) throws {
    switch reply {
    case .integer(0), .null: self = false
    case .integer(1), .simple("OK"): self = true
    case .bulk([UInt8(ascii: "0")]): self = false
    case .bulk([UInt8(ascii: "1")]): self = true
    default: throw reply.mismatch(expected: "yes or no")
    }
  }
}

extension Double: RedisDecodable {
  /// A number, which the server sends as text.
  @inlinable
  public init(reply: RESPValue) throws {
    switch reply {
    case .integer(let number): self = Double(number)
    case .bulk(let bytes):
      guard let number = Double(String(decoding: bytes, as: UTF8.self)) else {
        throw RedisError(.decoding, "the reply is a bulk string that is no number")
      }
      self = number
    default: throw reply.mismatch(expected: "a number")
    }
  }
}

extension Optional: RedisDecodable where Wrapped: RedisDecodable {
  /// Nil for null.
  @inlinable
  public init(reply: RESPValue) throws {
    if case .null = reply { self = nil } else { self = try Wrapped(reply: reply) }
  }
}

extension Dictionary: RedisDecodable where Key: RedisDecodable, Value: RedisDecodable {
  /// Pairs in a flat array, as `HGETALL` sends them. The last of two equal keys stays.
  @inlinable
  public init(reply: RESPValue) throws {
    guard case .array(let items) = reply, items.count.isMultiple(of: 2) else {
      throw reply.mismatch(expected: "an array of pairs")
    }
    self.init(minimumCapacity: items.count / 2)
    for index in stride(from: 0, to: items.count, by: 2) {
      self[try Key(reply: items[index])] = try Value(reply: items[index + 1])
    }
  }
}

extension Set: RedisDecodable where Element: RedisDecodable {
  /// An array whose order does not matter.
  @inlinable
  public init(reply: RESPValue) throws { self.init(try [Element](reply: reply)) }
}
