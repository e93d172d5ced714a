/// A call that may be repeated, in full: what it is, what it means to repeat it, and how that is done.
public struct RetryCall: Sendable {
  /// What is done: `charge-card`. For statistics, logs and events, so from a small set of names.
  public var operation: String
  /// Where it goes: `stripe`.
  public var service: String?
  /// What happens if it is carried out twice.
  public var idempotency: Idempotency
  /// How it is repeated; nil for the strategy of the ``Retry``.
  public var strategy: RetryStrategy?
  /// Reads the errors of this call, for every layer it goes through; nil for what each layer reads them with.
  public var classifier: CallClassifier?
  /// What an operator should find with it: an order number, a tenant. No secrets, no patient data.
  public var metadata: [String: String]
  /// Whether it is recorded even if it succeeds at once.
  public var isTracked: Bool
  /// Told of each failed attempt and of the end, at once, in the task of the call.
  public var onNotice: (@Sendable (RetryNotice) -> Void)?

  /// A call.
  public init(
    _ operation: String, service: String? = nil, idempotency: Idempotency, strategy: RetryStrategy? = nil,
    classifier: CallClassifier? = nil, metadata: [String: String] = [:], isTracked: Bool = false,
    onNotice: (@Sendable (RetryNotice) -> Void)? = nil
  ) {
    self.operation = operation
    self.service = service
    self.idempotency = idempotency
    self.strategy = strategy
    self.classifier = classifier
    self.metadata = metadata
    self.isTracked = isTracked
    self.onNotice = onNotice
  }
}

/// Something that happened to a call that may be repeated.
public struct RetryNotice: Sendable {
  /// What happened.
  public enum Kind: Sendable, Hashable {
    /// An attempt failed; the next begins after this wait.
    case willRetry(after: Duration)
    /// It succeeded, though not at once.
    case succeeded
    /// It failed for good, and why it was not tried again.
    case failed(RetryMachine.Stop)
  }

  /// What happened.
  public let kind: Kind
  /// What is done.
  public let operation: String
  /// Where it goes.
  public let service: String?
  /// The name of the strategy.
  public let strategy: String
  /// How many attempts have ended.
  public let attempts: Int
  /// The type of the last error. Its text may hold data, so it is not passed on.
  public let errorType: String?
  /// The record of the call: ``RetryExecutions/execution(_:)``.
  public let executionID: Int?
}

/// How a call that may be repeated has ended.
public struct RetryOutcome<Value: Sendable>: Sendable {
  /// Its value, or the last attempt's error as it was thrown.
  public let result: Result<Value, any Error>
  /// How many attempts were made.
  public let attempts: Int
  /// Why there was no further attempt; nil after a success.
  public let stop: RetryMachine.Stop?
  /// How long it took in all.
  public let duration: Duration
  /// The record of the call, if it was recorded.
  public let executionID: Int?
}
