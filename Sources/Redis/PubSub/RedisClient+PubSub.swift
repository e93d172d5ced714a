extension RedisClient {
  /// Subscribes to channels and patterns, and returns when the server has confirmed all of them.
  /// ```swift
  /// for await event in try await redis.subscribe(to: "orders", .pattern("stock.*")) { … }
  /// ```
  /// - Parameters:
  ///   - buffer: how many messages wait for a consumer that is slower than they come.
  ///   - overflow: what goes when the buffer is full. A gap stands where messages are missing.
  public func subscribe(
    to topics: RedisTopic..., buffer: Int = 1024, overflow: RedisSubscriptionOverflow = .dropOldest,
    deadline: ContinuousClock.Instant? = nil
  ) async throws -> RedisSubscription {
    guard !topics.isEmpty else { throw RedisError(.configuration, "there is nothing to subscribe to") }
    return try await hub.subscribe(
      to: topics, buffer: SubscriptionBuffer(capacity: buffer, overflow: overflow),
      by: limit(deadline, options.commandTimeout))
  }
}
