import Synchronization

/// How one subscriber of a typed channel receives events.
@usableFromInline
enum EventSink<Payload: Sendable>: Sendable {
  case observer(@Sendable (Payload) -> Void)
  case gatedObserver(ReplayGate<Payload>)
  case mailbox(Mailbox<Payload>)
  case envelopes(Mailbox<EventEnvelope<Payload>>)
  case anyObserver(ReplayGate<AnyEvent>)
  case anyMailbox(Mailbox<AnyEvent>)

  /// Hands over the last event of a sticky topic. The bus holds its lock: observers get it when it is released.
  func replay(_ event: AnyEvent) {
    guard let payload = event.payload(as: Payload.self) else { return }
    switch self {
    case .observer: break
    case .gatedObserver(let gate): gate.replay(payload)
    case .mailbox(let mailbox): mailbox.preload(payload)
    case .envelopes(let mailbox): mailbox.preload(EventEnvelope(event: payload, any: event))
    case .anyObserver(let gate): gate.replay(event)
    case .anyMailbox(let mailbox): mailbox.preload(event)
    }
  }
}

/// How a subscriber to a pattern receives events.
enum AnyEventSink: Sendable {
  case observer(ReplayGate<AnyEvent>)
  case mailbox(Mailbox<AnyEvent>)
}

/// An immutable list of subscribers, sorted by how they are served.
@usableFromInline
final class EventSubscribers<Payload: Encodable & Sendable>: Sendable {
  struct Entry: Sendable {
    let id: Int
    /// How many events had been published when it came.
    let base: Int
    let sink: EventSink<Payload>
  }

  let entries: [Entry]
  @usableFromInline let observers: [@Sendable (Payload) -> Void]
  @usableFromInline let mailboxes: [Mailbox<Payload>]
  @usableFromInline let wantEnvelopes: Bool
  private let envelopes: [Mailbox<EventEnvelope<Payload>>]
  private let anyObservers: [ReplayGate<AnyEvent>]
  private let anyMailboxes: [Mailbox<AnyEvent>]

  init(_ entries: [Entry]) {
    self.entries = entries
    observers = entries.compactMap { entry in
      switch entry.sink {
      case .observer(let observer): observer
      case .gatedObserver(let gate): { gate.call($0) }
      default: nil
      }
    }
    mailboxes = entries.compactMap { if case .mailbox(let mailbox) = $0.sink { mailbox } else { nil } }
    envelopes = entries.compactMap { if case .envelopes(let mailbox) = $0.sink { mailbox } else { nil } }
    anyObservers = entries.compactMap { if case .anyObserver(let gate) = $0.sink { gate } else { nil } }
    anyMailboxes = entries.compactMap { if case .anyMailbox(let mailbox) = $0.sink { mailbox } else { nil } }
    wantEnvelopes = !(envelopes.isEmpty && anyObservers.isEmpty && anyMailboxes.isEmpty)
  }

  /// To those who want the bare event.
  @inlinable
  func deliver(_ payload: Payload) {
    for observer in observers { observer(payload) }
    for mailbox in mailboxes { mailbox.offer(payload) }
  }

  /// To those who want to know more.
  func deliver(_ payload: Payload, _ event: AnyEvent) {
    for gate in anyObservers { gate.call(event) }
    for mailbox in anyMailboxes { mailbox.offer(event) }
    for mailbox in envelopes { mailbox.offer(EventEnvelope(event: payload, any: event)) }
  }

  /// To everybody; waits for those whose buffer is full.
  func send(_ payload: Payload, _ event: AnyEvent) async {
    for observer in observers { observer(payload) }
    for gate in anyObservers { gate.call(event) }
    for mailbox in mailboxes { await EventSubscribers.send(payload, to: mailbox) }
    for mailbox in anyMailboxes { await EventSubscribers.send(event, to: mailbox) }
    for mailbox in envelopes { await EventSubscribers.send(EventEnvelope(event: payload, any: event), to: mailbox) }
  }

  private static func send<Element>(_ element: Element, to mailbox: Mailbox<Element>) async {
    if mailbox.suspends { await mailbox.send(element) } else { mailbox.offer(element) }
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
  func replay(_ value: Value) { waiting.withLock { $0.append(value) } }

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
