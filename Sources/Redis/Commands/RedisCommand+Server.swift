extension RedisCommand {
  /// `PING`: `PONG`.
  public static func ping() -> Self where Reply == String {
    Self("PING", readOnly: true) { _ in }
  }

  /// `ECHO`: the text.
  public static func echo(_ text: String) -> Self where Reply == String {
    Self("ECHO", readOnly: true) {
      $0.append(text)
    }
  }

  /// `PUBLISH`: how many subscribers got the message.
  public static func publish(_ message: some RedisArgument, to channel: String) -> Self where Reply == Int {
    Self("PUBLISH") {
      $0.append(channel)
      $0.append(message)
    }
  }

  /// `DBSIZE`: how many keys the database has.
  public static func dbsize() -> Self where Reply == Int {
    Self("DBSIZE", readOnly: true) { _ in }
  }

  /// `FLUSHDB`: deletes every key of the database.
  public static func flushdb() -> Self where Reply == RedisOK {
    Self("FLUSHDB") { _ in }
  }

  /// `INFO`: what the server says of itself.
  public static func info(_ section: String = "default") -> Self where Reply == RedisServerInfo {
    Self("INFO", readOnly: true) {
      $0.append(section)
    }
  }

  /// `ROLE`: `master`, `slave` or `sentinel`, and what belongs to it.
  public static func role() -> Self where Reply == RESPValue {
    Self("ROLE", readOnly: true) { _ in }
  }

  /// `TIME`: the server's clock, as seconds since 1970 and microseconds.
  public static func time() -> Self where Reply == [Int] {
    Self("TIME", readOnly: true) { _ in }
  }
}
