public import MainstayResilience

// What a refused caller should know about trying again, for retries and circuit breakers.
extension PoolError: RetryClassifiable {
  /// Whoever gets no connection has had no effect. Trying again makes sense where no server could be reached, unless the
  /// error behind it is permanent, such as a wrong password. A pool at its limit does not: callers have waited for it
  /// already as long as they may, and each repetition makes the queue longer.
  public var callAdvice: CallAdvice {
    guard isAboutServer else { return .permanent }
    let isHopeless = (cause as? any RetryClassifiable)?.callAdvice == .permanent
    return isHopeless ? .permanent : .withoutEffect
  }

  /// A server that takes no connection does not work; what the pool itself refuses says nothing about it.
  public var callVerdict: CallVerdict { isAboutServer ? .failure : .neutral }

  /// Whether it is for want of a server that there is no connection. A wait in vain has a cause only then.
  private var isAboutServer: Bool { code == .unavailable || code == .timedOut && cause != nil }
}
