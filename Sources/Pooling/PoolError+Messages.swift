extension PoolError {
  /// The error for a caller that was refused.
  init(
    _ refusal: PoolRefusal, pool: String, site: PoolSite, statistics: PoolStatistics, settings: PoolSettings,
    holders: [PoolHolder], connectError: (any Error)?
  ) {
    let use =
      "\(statistics.active) of \(statistics.limit) connections in use, \(statistics.connecting) being opened, "
      + "\(statistics.waiting) waiting"
    let longest = holders.isEmpty ? "" : "; longest in use: " + holders.map(\.description).joined(separator: ", ")
    let waited = refusal.waited
    func error(_ code: Code, _ message: String, cause: (any Error)? = nil) -> PoolError {
      PoolError(
        code, pool: pool, "pool '\(pool)': \(message)", waited: waited, holders: holders, cause: cause)
    }
    switch refusal.reason {
    case .timedOut:
      self = error(
        .timedOut,
        "no connection for \(site) within \(waited.seconds) (\(use)\(longest)). Raise `max`, or shorten what holds them",
        cause: statistics.total == 0 ? connectError : nil)
    case .queueFull:
      self = error(
        .queueFull,
        "\(site) may not wait: \(settings.maxWaiters) callers wait already (\(use)\(longest)). Send less at a time, or "
          + "raise `max` or `max_waiters`")
    case .displaced:
      self = error(
        .displaced,
        "\(site) gave its place to a more urgent caller after \(waited.seconds): \(settings.maxWaiters) callers wait (\(use))"
      )
    case .tenantQueueFull:
      self = error(
        .tenantQueueFull,
        "\(site) may not wait: \(settings.maxWaitersPerTenant) callers of its tenant wait already. Send less for one tenant "
          + "at a time, or raise `max_waiters_per_tenant`")
    case .nested(let outer):
      self = error(
        .nestedAcquire,
        "\(site) would wait for a second connection while holding the one taken at \(outer), and none is left (\(use)). "
          + "Pass the connection on instead of taking another")
    case .unavailable:
      self = error(.unavailable, "no connection can be opened", cause: connectError)
    case .shutDown:
      self = error(.shutDown, "it is being closed; \(site) gets no connection any more")
    case .cancelled, .withdrawn:
      self = error(.cancelled, "\(site) was cancelled after waiting \(waited.seconds)")
    }
  }

  /// The error for a pool whose first connections could not be opened in time.
  static func notWarm(
    pool: String, _ waited: Duration, _ statistics: PoolStatistics, _ cause: (any Error)?
  ) -> PoolError {
    PoolError(
      .unavailable, pool: pool,
      "pool '\(pool)': \(statistics.total) of the first \(statistics.min) connections opened within \(waited.seconds)",
      waited: waited, cause: cause)
  }
}
