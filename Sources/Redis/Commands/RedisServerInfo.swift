/// What a server says of itself: lines of `name:value` in sections.
public struct RedisServerInfo: RedisDecodable {
  /// The values by their names, such as `redis_version`.
  public let values: [String: String]

  /// Reads the reply of `INFO`.
  public init(reply: RESPValue) throws {
    let text = try String(reply: reply)
    var values: [String: String] = [:]
    // Line ends are "\r\n", which is one Character in Swift: split where any line end stands.
    for line in text.split(whereSeparator: \.isNewline) where line.first != "#" {
      guard let colon = line.firstIndex(of: ":") else { continue }
      values[String(line[..<colon])] = String(line[line.index(after: colon)...])
    }
    self.values = values
  }

  /// The value of a name.
  public subscript(name: String) -> String? { values[name] }
}
