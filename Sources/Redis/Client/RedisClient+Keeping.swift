extension RedisClient {
  /// Sets a value that goes away by itself: after a time that is given, or after ``RedisOptions/defaultTTL``.
  public func keep(
    _ key: String, _ value: some RedisArgument, for ttl: Duration? = nil, deadline: ContinuousClock.Instant? = nil
  ) async throws {
    let expiry = RedisExpiry.after(ttl ?? options.defaultTTL)
    _ = try await send(RedisCommand<Bool>.set(key, value, expires: expiry), deadline: deadline)
  }
}
