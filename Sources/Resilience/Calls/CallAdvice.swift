/// What a failure says about trying again.
public enum CallAdvice: Sendable, Hashable {
  /// It will fail again: the request itself is wrong, or was refused for good.
  case permanent
  /// It may succeed next time; whether it had an effect is unknown.
  case transient
  /// The callee asks for time, in the best case saying how much. Whether it had an effect is unknown.
  case throttled(after: Duration?)
  /// It may succeed next time, and it has had no effect: it never reached the callee, or was undone there. So repeating
  /// it is safe whatever it does.
  case withoutEffect
}

/// How a call counts for a circuit breaker.
public enum CallVerdict: String, Sendable, Hashable, CaseIterable {
  /// The callee works.
  case success
  /// It does not.
  case failure
  /// Nothing was learnt: the caller gave up, or the call was refused before it was made.
  case neutral
}

/// An error that says itself whether trying again makes sense. Errors of the PostgreSQL and Redis clients, of connection
/// pools and of the outbound HTTP client do; errors that do not conform count as transient.
public protocol RetryClassifiable: Error {
  /// What it says about trying again.
  var callAdvice: CallAdvice { get }
  /// How it counts for a circuit breaker.
  var callVerdict: CallVerdict { get }
}

extension RetryClassifiable {
  /// A callee that refuses a request for good has answered, so it works; anything else speaks against it.
  public var callVerdict: CallVerdict { callAdvice == .permanent ? .success : .failure }
}

/// Reads errors. Pass one of your own to a layer to read errors of a library that knows nothing of this module.
public struct CallClassifier: Sendable {
  private let own: (@Sendable (any Error) -> CallAdvice?)?

  /// What errors say about themselves; unknown ones are transient, cancellations and coding errors permanent.
  public static let standard = CallClassifier(own: nil)

  private init(own: (@Sendable (any Error) -> CallAdvice?)?) { self.own = own }

  /// A classifier of your own.
  /// - Parameter advice: What an error says; nil leaves it to the standard classifier.
  public init(_ advice: @escaping @Sendable (any Error) -> CallAdvice?) { own = advice }

  /// What the error says about trying again.
  public func advice(_ error: any Error) -> CallAdvice {
    if let advice = own?(error) { return advice }
    if let error = error as? any RetryClassifiable { return error.callAdvice }
    return error is CancellationError || error is DecodingError || error is EncodingError ? .permanent : .transient
  }

  /// How the error counts for a circuit breaker.
  public func verdict(_ error: any Error) -> CallVerdict {
    if let advice = own?(error) { return advice == .permanent ? .success : .failure }
    if let error = error as? any RetryClassifiable { return error.callVerdict }
    if error is CancellationError { return .neutral }
    return error is DecodingError || error is EncodingError ? .success : .failure
  }
}
