/// What a call knows of the calls around it: how long it may take, who repeats it, which attempt it is.
///
/// Carried in a task-local value, so it reaches whatever the operation calls, also through child tasks. Set it through the
/// layers of this module; read it to pass the deadline, the attempt or the idempotency key on to another service.
public struct CallContext: Sendable {
  /// The context of the running call; nil outside every layer.
  @TaskLocal public static var current: CallContext?

  /// The instant, on the clock of the layer that set it, after which nobody waits for the answer any more.
  public var deadline: ContinuousClock.Instant?
  /// The operation that repeats failed attempts of this call tree; nil if nobody does. Retries further in leave it to
  /// that one, because three attempts in three layers are twenty-seven calls.
  public var retryOwner: String?
  /// Which attempt of the retry owner this is, counted from 1.
  public var attempt: Int
  /// The key under which the callee recognises a repetition, from ``Idempotency/keyed(_:)``.
  public var idempotencyKey: String?

  /// A context in which nothing is limited.
  public init(
    deadline: ContinuousClock.Instant? = nil, retryOwner: String? = nil, attempt: Int = 1, idempotencyKey: String? = nil
  ) {
    self.deadline = deadline
    self.retryOwner = retryOwner
    self.attempt = attempt
    self.idempotencyKey = idempotencyKey
  }

  /// The time left until the deadline, at least zero; nil without one.
  public func remaining(at now: ContinuousClock.Instant) -> Duration? {
    deadline.map { max(.zero, now.duration(to: $0)) }
  }

  /// The same, with a deadline no later than `instant`.
  func limited(to instant: ContinuousClock.Instant) -> CallContext {
    var copy = self
    copy.deadline = deadline.map { min($0, instant) } ?? instant
    return copy
  }
}
