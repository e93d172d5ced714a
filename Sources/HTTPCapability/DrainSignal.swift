public import MainstayKernel
import Synchronization

/// Tells handlers whose responses do not end by themselves, such as event streams, that the server is about to close.
///
/// Given once, never withdrawn.
public final class DrainSignal: Sendable {
  private struct State {
    var given = false
    var next = 0
    var observers: [Int: @Sendable () -> Void] = [:]
  }

  private let state = Mutex(State())

  /// A signal not yet given.
  public init() {}

  /// Whether the server is about to close.
  public var isGiven: Bool { state.withLock { $0.given } }

  /// Calls `body` once, when the signal is given; at once if it has been.
  public func observe(_ body: @escaping @Sendable () -> Void) -> Subscription {
    let id: Int? = state.withLock { state in
      if state.given { return nil }
      state.next += 1
      state.observers[state.next] = body
      return state.next
    }
    guard let id else {
      body()
      return Subscription {}
    }
    return Subscription { [weak self] in
      _ = self?.state.withLock { $0.observers.removeValue(forKey: id) }
    }
  }

  /// Returns when the signal is given or the task is cancelled.
  public func wait() async {
    let (given, continuation) = AsyncStream<Void>.makeStream()
    let subscription = observe { continuation.finish() }
    for await _ in given {}
    subscription.cancel()
  }

  /// Gives the signal. The server does so; tests may.
  public func give() {
    let observers = state.withLock { state in
      state.given = true
      defer { state.observers = [:] }
      return state.observers.values
    }
    for observer in observers { observer() }
  }
}
