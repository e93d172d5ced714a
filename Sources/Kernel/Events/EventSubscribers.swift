public import Synchronization

/// How one subscriber of a typed channel receives events.
@usableFromInline
enum EventSink<Payload: Sendable>: Sendable {
  case observer(EventObserver<Payload>)
  case gatedObserver(ReplayGate<Payload>)
  case mailbox(Mailbox<Payload>)
  case envelopes(Mailbox<EventEnvelope<Payload>>)
  case anyObserver(ReplayGate<AnyEvent>)
  case anyMailbox(Mailbox<AnyEvent>)

  /// Hands over the last event of a sticky topic. The bus holds its lock: observers get it when it is released.
  /// Returns what had to make room.
  func replay(_ event: AnyEvent) -> (any Sendable)? {
    guard let payload = event.payload(as: Payload.self) else { return nil }
    switch self {
    case .observer: return nil
    case .gatedObserver(let gate): return gate.replay(payload)
    case .mailbox(let mailbox): return mailbox.preload(payload)
    case .envelopes(let mailbox): return mailbox.preload(EventEnvelope(event: payload, any: event))
    case .anyObserver(let gate): return gate.replay(event)
    case .anyMailbox(let mailbox): return mailbox.preload(event)
    }
  }
}

/// How a subscriber to a pattern receives events.
enum AnyEventSink: Sendable {
  case observer(ReplayGate<AnyEvent>)
  case mailbox(Mailbox<AnyEvent>)
}

/// What an inline subscriber does.
@usableFromInline
final class EventObserver<Payload: Sendable>: Sendable {
  @usableFromInline let body: @Sendable (Payload) -> Void

  init(_ body: @escaping @Sendable (Payload) -> Void) { self.body = body }
}

/// An immutable list of subscribers, sorted by how they are served.
@usableFromInline
final class EventSubscribers<Payload: Encodable & Sendable>: @unchecked Sendable {
  // because everything is fixed at its making; the plain pointers are to objects that `entries` keeps.

  struct Entry: Sendable {
    let id: Int
    let sink: EventSink<Payload>
  }

  @usableFromInline typealias References<Object: AnyObject> = UnsafeMutableBufferPointer<Unmanaged<Object>>

  /// In the balance of the list that is the current one.
  static var current: Int { 1 << 40 }

  /// See `EventSubscriberCell`.
  @usableFromInline let balance = Atomic<Int>(EventSubscribers.current)
  let entries: [Entry]
  private let gates: [EventObserver<Payload>]
  @usableFromInline let observers: References<EventObserver<Payload>>
  @usableFromInline let mailboxes: References<Mailbox<Payload>>
  @usableFromInline let wantEnvelopes: Bool
  private let envelopes: [Mailbox<EventEnvelope<Payload>>]
  private let anyObservers: [ReplayGate<AnyEvent>]
  private let anyMailboxes: [Mailbox<AnyEvent>]

  init(_ entries: [Entry]) {
    self.entries = entries
    let sinks = entries.map(\.sink)
    gates = sinks.compactMap { sink in
      switch sink {
      case .observer(let observer): observer
      case .gatedObserver(let gate): EventObserver { gate.call($0) }
      default: nil
      }
    }
    let bare = sinks.compactMap { if case .mailbox(let mailbox) = $0 { mailbox } else { nil } }
    observers = EventSubscribers.references(to: gates)
    mailboxes = EventSubscribers.references(to: bare)
    envelopes = sinks.compactMap { if case .envelopes(let mailbox) = $0 { mailbox } else { nil } }
    anyObservers = sinks.compactMap { if case .anyObserver(let gate) = $0 { gate } else { nil } }
    anyMailboxes = sinks.compactMap { if case .anyMailbox(let mailbox) = $0 { mailbox } else { nil } }
    wantEnvelopes = !(envelopes.isEmpty && anyObservers.isEmpty && anyMailboxes.isEmpty)
  }

  deinit {
    observers.deallocate()
    mailboxes.deallocate()
  }

  /// A list that is walked without counting references: each would cost as much as a call.
  private static func references<Object: AnyObject>(to objects: [Object]) -> References<Object> {
    let references = References<Object>.allocate(capacity: objects.count)
    _ = references.initialize(from: objects.map { Unmanaged.passUnretained($0) })
    return references
  }

  /// To those who want the bare event.
  @inlinable
  func deliver(_ payload: Payload) {
    for observer in observers { observer._withUnsafeGuaranteedRef { $0.body(payload) } }
    for mailbox in mailboxes { mailbox._withUnsafeGuaranteedRef { $0.offer(payload) } }
  }

  /// To those who want to know more.
  func deliver(_ payload: Payload, _ event: AnyEvent) {
    for gate in anyObservers { gate.call(event) }
    for mailbox in anyMailboxes { mailbox.offer(event) }
    for mailbox in envelopes { mailbox.offer(EventEnvelope(event: payload, any: event)) }
  }

  /// To those who want the bare event, but for those who must be waited for: they are returned.
  @inlinable
  func deliverWhereRoom(_ payload: Payload) -> [Mailbox<Payload>] {
    for observer in observers { observer._withUnsafeGuaranteedRef { $0.body(payload) } }
    var full: [Mailbox<Payload>] = []
    for mailbox in mailboxes {
      mailbox._withUnsafeGuaranteedRef { mailbox in
        if !mailbox.offerIfRoom(payload) { full.append(mailbox) }
      }
    }
    return full
  }

  /// To those who want to know more; waits for those whose buffer is full.
  func send(_ payload: Payload, _ event: AnyEvent) async {
    for gate in anyObservers { gate.call(event) }
    for mailbox in anyMailboxes where !mailbox.offerIfRoom(event) { await mailbox.send(event) }
    let envelope = EventEnvelope(event: payload, any: event)
    for mailbox in envelopes where !mailbox.offerIfRoom(envelope) { await mailbox.send(envelope) }
  }
}

/// An observer that first receives the last events of sticky topics. Until it has, what is published meanwhile waits,
/// so that it never sees an older event after a newer one.
@usableFromInline
final class ReplayGate<Value: Sendable>: Sendable {
  /// How many events may wait for the replay to end; more are dropped, the oldest first.
  private static var limit: Int { 1024 }

  private let body: @Sendable (Value) -> Void
  private let isOpen = Atomic<Bool>(false)
  private let waiting = Mutex<[Value]>([])

  init(_ body: @escaping @Sendable (Value) -> Void) { self.body = body }

  /// An event that was published before.
  func replay(_ value: Value) -> (any Sendable)? {
    waiting.withLock { $0.append(value) }
    return nil
  }

  func call(_ value: Value) {
    if isOpen.load(ordering: .acquiring) || !queue(value) { body(value) }
  }

  /// False if the gate has been opened meanwhile.
  private func queue(_ value: Value) -> Bool {
    waiting.withLock { values in
      if isOpen.load(ordering: .relaxed) { return false }
      if values.count == Self.limit { values.removeFirst() }
      values.append(value)
      return true
    }
  }

  /// Delivers what waits, then lets events through.
  func open() {
    while true {
      let batch = waiting.withLock { values in
        if values.isEmpty { isOpen.store(true, ordering: .releasing) }
        defer { values = [] }
        return values
      }
      if batch.isEmpty { return }
      for value in batch { body(value) }
    }
  }
}
