/// A command and the type of its reply. What `RedisClient` offers as methods also exists as a value, for pipelines and
/// transactions:
/// ```swift
/// let (views, name) = try await redis.pipeline(.incr("views"), .get("name"))
/// ```
public struct RedisCommand<Reply: RedisDecodable>: Sendable {
  /// The command's name, such as `GET`, for messages.
  public let name: String
  @usableFromInline var arguments: RedisArguments
  /// Whether it changes nothing, so that it may be sent again when a connection breaks before the reply.
  public var isReadOnly: Bool
  /// How long the server may keep it waiting, for commands that block. `.zero` is for ever.
  @usableFromInline var blocks: Duration?
  /// What it asks of its connection; looked at for commands given by their name only.
  @usableFromInline var needs = ConnectionNeeds.nothing

  /// A command of any name. Name and sub-commands are words: `RedisCommand<Int>("OBJECT", "REFCOUNT", key)`.
  ///
  /// One that changes its connection or may wait on it, such as `SELECT` or `BLPOP`, is refused outside of `withSession`;
  /// one whose replies do not answer it one by one, such as `SUBSCRIBE` or `MONITOR`, everywhere.
  public init(_ name: String, _ arguments: any RedisArgument..., isReadOnly: Bool = false) {
    self.init(name, readOnly: isReadOnly) { body in
      for argument in arguments { argument.append(to: &body) }
    }
    needs = ConnectionNeeds(name, arguments)
  }

  /// A command whose arguments are written by a closure.
  @inlinable
  init(_ name: String, readOnly: Bool = false, _ write: (inout RedisArguments) -> Void) {
    self.name = name
    self.isReadOnly = readOnly
    arguments = RedisArguments()
    arguments.reserve(64)
    arguments.append(name)
    write(&arguments)
  }

  /// The same command for another type of reply.
  public func returning<Other: RedisDecodable>(_ type: Other.Type) -> RedisCommand<Other> {
    var other = RedisCommand<Other>(name, arguments: arguments)
    other.isReadOnly = isReadOnly
    other.blocks = blocks
    other.needs = needs
    return other
  }

  private init(_ name: String, arguments: RedisArguments) {
    self.name = name
    self.arguments = arguments
    isReadOnly = false
  }

  func blocking(_ timeout: Duration) -> Self {
    var copy = self
    copy.blocks = timeout
    return copy
  }

  /// Reads a reply; the error names the command.
  func decode(_ reply: RESPValue) throws -> Reply {
    do {
      return try Reply(reply: reply)
    } catch let error as RedisError {
      throw error.named(name)
    }
  }
}
