/// What a command given by its name asks of its connection. A reply belongs to the command that is due next, so a command
/// whose replies are none, or too many, would have every later caller get another one's reply.
@usableFromInline
enum ConnectionNeeds: Sendable {
  /// Nothing: it may be sent where others send too.
  case nothing
  /// A connection of its own: it changes what the connection is, or may keep it waiting.
  case session
  /// What no connection for commands can give it: its replies do not answer it one by one.
  case refused

  /// - Parameter arguments: what follows the name.
  init(_ name: String, _ arguments: [any RedisArgument]) {
    let name = name.uppercased()
    self =
      switch name {
      case "CLIENT": Self.client(Self.word(arguments.first))
      case "XREAD", "XREADGROUP": arguments.contains { Self.word($0) == "BLOCK" } ? .session : .nothing
      default: Self.sessionOnly.contains(name) ? .session : Self.answeredOtherwise.contains(name) ? .refused : .nothing
      }
  }

  private static func client(_ subcommand: String?) -> ConnectionNeeds {
    switch subcommand {
    case "REPLY": .refused
    case "SETNAME", "SETINFO", "TRACKING", "CACHING", "NO-EVICT", "NO-TOUCH": .session
    default: .nothing
    }
  }

  private static func word(_ argument: (any RedisArgument)?) -> String? { (argument as? String)?.uppercased() }

  private static let sessionOnly: Set<String> = [
    "SELECT", "AUTH", "RESET", "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "READONLY", "READWRITE", "ASKING",
    "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF",
  ]

  private static let answeredOtherwise: Set<String> = [
    "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR", "SYNC", "PSYNC",
    "REPLCONF", "HELLO", "QUIT",
  ]
}

extension RedisCommand {
  /// Why it cannot be sent: on a connection that is shared, or goes to others as it is, or on one that is cleared after it.
  @usableFromInline
  func refusal(isCleared: Bool) -> RedisError? {
    switch needs {
    case .nothing: nil
    case .session where isCleared: nil
    case .session:
      RedisError(
        .configuration, "it changes or holds up the connection, which others use; send it within withSession",
        command: name)
    case .refused:
      RedisError(
        .configuration, "its replies would reach other callers; use subscribe(to:), or another client for it",
        command: name)
    }
  }
}
