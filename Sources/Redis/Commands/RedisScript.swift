import Synchronization

/// A Lua script, which the server runs as one command.
/// ```swift
/// let take = RedisScript("if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0")
/// let released = try await redis.run(take, keys: ["lock"], token, as: Bool.self)
/// ```
public final class RedisScript: Sendable {
  /// The script's text.
  public let source: String
  /// Its name, which the server calculates from the text, once it has told us.
  private let digest = Mutex<String?>(nil)

  /// A script.
  public init(_ source: String) { self.source = source }

  fileprivate var knownDigest: String? { digest.withLock { $0 } }

  fileprivate func remember(_ text: String) { digest.withLock { $0 = text } }
}

extension RedisClient {
  /// Runs a script. Its text goes over the wire once, and again when the server has forgotten it.
  ///
  /// The keys it touches are to be given as keys, everything else as arguments.
  public func run<Reply: RedisDecodable>(
    _ script: RedisScript, keys: [String] = [], _ values: any RedisArgument..., as type: Reply.Type = RESPValue.self,
    deadline: ContinuousClock.Instant? = nil
  ) async throws -> Reply {
    func command(_ digest: String) -> RedisCommand<Reply> {
      RedisCommand("EVALSHA") {
        $0.append(digest)
        $0.append(keys.count)
        for key in keys { $0.append(key) }
        for value in values { value.append(to: &$0) }
      }
    }
    if let digest = script.knownDigest {
      do {
        return try await send(command(digest), deadline: deadline)
      } catch let error as RedisError where error.serverCode == "NOSCRIPT" {
        // The server was restarted, or told to forget its scripts.
      }
    }
    return try await send(command(try await load(script, deadline)), deadline: deadline)
  }

  private func load(_ script: RedisScript, _ deadline: ContinuousClock.Instant?) async throws -> String {
    let digest = try await send(RedisCommand<String>("SCRIPT", "LOAD", script.source), deadline: deadline)
    script.remember(digest)
    return digest
  }
}
