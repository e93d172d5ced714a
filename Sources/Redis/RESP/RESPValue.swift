/// A reply of the server, as RESP2 carries it (https://redis.io/docs/latest/develop/reference/protocol-spec/).
public enum RESPValue: Sendable, Hashable {
  /// `$-1` or `*-1`: no value.
  case null
  /// `:1`
  case integer(Int64)
  /// `+OK`: a short text.
  case simple(String)
  /// `$3`: bytes, which need not be text.
  case bulk([UInt8])
  /// `*2`: values in order.
  case array([RESPValue])
  /// `-WRONGTYPE …`: what the server says it could not do.
  case error(String)

  /// What kind of value it is, without the value: `array of 3`. For messages, which never carry data.
  public var kind: String {
    switch self {
    case .null: "null"
    case .integer: "integer"
    case .simple: "simple string"
    case .bulk: "bulk string"
    case .array(let items): "array of \(items.count)"
    case .error: "error"
    }
  }
}
