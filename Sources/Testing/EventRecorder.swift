public import MainstayKernel
import Synchronization

/// Collects what is published on a bus, in order, and waits for what is expected.
///
/// ```swift
/// let recorder = EventRecorder(host.events, "plugin.*")
/// let event = try await recorder.next(PluginStateChanged.self) { $0.to == .failed }
/// ```
public final class EventRecorder: Sendable {
  private struct Waiter {
    let id: Int
    let matches: @Sendable (AnyEvent) -> Bool
    let continuation: CheckedContinuation<AnyEvent, any Error>
  }

  private struct State {
    var events: [AnyEvent] = []
    var waiters: [Waiter] = []
    var cancelled: Set<Int> = []
    var next = 0
  }

  private let state = Mutex(State())
  private let subscription: Mutex<Subscription?> = Mutex(nil)

  /// Records from now on every event whose topic matches the pattern, up to 100,000 events.
  public init(_ bus: EventBus, _ pattern: TopicPattern = "**") {
    let subscription = bus.observe(pattern) { [weak self] event in self?.record(event) }
    self.subscription.withLock { $0 = subscription }
  }

  deinit { subscription.withLock { $0 }?.cancel() }

  /// Everything recorded so far.
  public var events: [AnyEvent] { state.withLock { $0.events } }

  /// The recorded events of one type.
  public func events<E: Event>(of type: E.Type) -> [E] { events.compactMap { $0.as(type) } }

  /// The topics of everything recorded so far.
  public var topics: [String] { events.map { "\($0.topic)" } }

  /// The first event of a type that meets a condition: a recorded one, or the next to come.
  public func next<E: Event>(
    _ type: E.Type, where condition: @escaping @Sendable (E) -> Bool = { _ in true }
  ) async throws -> E {
    let event = try await next { event in event.as(type).map(condition) ?? false }
    guard let typed = event.as(type) else { throw CancellationError() }
    return typed
  }

  /// The first event that meets a condition: a recorded one, or the next to come.
  public func next(where matches: @escaping @Sendable (AnyEvent) -> Bool) async throws -> AnyEvent {
    let id = state.withLock { state in
      state.next += 1
      return state.next
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        wait(Waiter(id: id, matches: matches, continuation: continuation))
      }
    } onCancel: {
      cancel(id)
    }
  }

  private func record(_ event: AnyEvent) {
    let waiting = state.withLock { state in
      if state.events.count < 100_000 { state.events.append(event) }
      defer { state.waiters = [] }
      return state.waiters
    }
    // A test's condition may ask the recorder itself: it runs outside the lock, once for each event.
    var others: [Waiter] = []
    for waiter in waiting {
      if waiter.matches(event) { waiter.continuation.resume(returning: event) } else { others.append(waiter) }
    }
    for waiter in others { wait(waiter, after: event) }
  }

  /// Parks a waiter again. What came while it was being asked is looked at now.
  private func wait(_ waiter: Waiter, after event: AnyEvent) {
    let result: Result<AnyEvent, any Error>? = state.withLock { state in
      if state.cancelled.remove(waiter.id) != nil { return .failure(CancellationError()) }
      let newer = state.events.reversed().prefix { $0.sequence != event.sequence }.reversed()
      if let match = newer.first(where: waiter.matches) { return .success(match) }
      state.waiters.append(waiter)
      return nil
    }
    if let result { waiter.continuation.resume(with: result) }
  }

  private func wait(_ waiter: Waiter) {
    let result: Result<AnyEvent, any Error>? = state.withLock { state in
      if state.cancelled.remove(waiter.id) != nil { return .failure(CancellationError()) }
      if let event = state.events.first(where: waiter.matches) { return .success(event) }
      state.waiters.append(waiter)
      return nil
    }
    if let result { waiter.continuation.resume(with: result) }
  }

  private func cancel(_ id: Int) {
    let waiter = state.withLock { state in
      guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
        state.cancelled.insert(id)
        return Waiter?.none
      }
      return state.waiters.remove(at: index)
    }
    waiter?.continuation.resume(throwing: CancellationError())
  }
}
