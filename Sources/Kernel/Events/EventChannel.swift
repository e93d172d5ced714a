import Instrumentation
public import Synchronization

/// Everybody who receives the events of one type, and the last event if the topic is sticky.
///
/// A publisher takes the list of subscribers under a short lock and calls them without it: a subscriber may publish,
/// subscribe and cancel. Changing the list replaces it.
@usableFromInline
final class EventChannel<Payload: Encodable & Sendable>: Sendable {
  @usableFromInline
  struct State: Sendable {
    /// Events published while somebody listened.
    @usableFromInline var published = 0
    @usableFromInline var subscribers = EventSubscribers<Payload>([])
    var sticky: AnyEvent?
  }

  @usableFromInline let topic: Topic
  @usableFromInline let isSticky: Bool
  @usableFromInline let source: EventSource
  /// False while a publisher has nothing to do.
  @usableFromInline let isObserved: Atomic<Bool>
  @usableFromInline let state = Mutex(State())

  init(topic: Topic, isSticky: Bool, source: EventSource) {
    self.topic = topic
    self.isSticky = isSticky
    self.source = source
    isObserved = Atomic(isSticky)
  }

  // MARK: Publishing

  @inlinable
  func publish(_ payload: Payload, from publisher: String) {
    if isObserved.load(ordering: .acquiring) { deliver(payload, from: publisher) }
  }

  @inlinable
  func deliver(_ payload: Payload, from publisher: String) {
    if isSticky { return deliverWithEnvelope(payload, to: nil, from: publisher) }
    let subscribers = state.withLock { state in
      state.published &+= 1
      return state.subscribers
    }
    subscribers.deliver(payload)
    if subscribers.wantEnvelopes { deliverWithEnvelope(payload, to: subscribers, from: publisher) }
  }

  /// To those who want to know more than the event. Makes the envelope once for all.
  @usableFromInline
  func deliverWithEnvelope(_ payload: Payload, to known: EventSubscribers<Payload>?, from publisher: String) {
    let event = source.envelope(payload, topic: topic, publisher: publisher)
    let subscribers = known ?? keep(event)
    if known == nil { subscribers.deliver(payload) }
    subscribers.deliver(payload, event)
  }

  /// Makes the event the last one of its topic, unless a later one is there already.
  private func keep(_ event: AnyEvent) -> EventSubscribers<Payload> {
    state.withLock { state in
      state.published &+= 1
      if (state.sticky?.sequence ?? 0) < event.sequence { state.sticky = event }
      return state.subscribers
    }
  }

  /// Publishes, and waits for the subscribers whose buffer is full and whose policy is to suspend.
  @inlinable
  nonisolated(nonsending) func send(_ payload: Payload, from publisher: String) async {
    guard isObserved.load(ordering: .acquiring) else { return }
    if isSticky { return await sendWithEnvelope(payload, to: nil, from: publisher) }
    let subscribers = state.withLock { state in
      state.published &+= 1
      return state.subscribers
    }
    for mailbox in subscribers.deliverWhereRoom(payload) { await mailbox.send(payload) }
    if subscribers.wantEnvelopes { await sendWithEnvelope(payload, to: subscribers, from: publisher) }
  }

  @usableFromInline
  nonisolated(nonsending) func sendWithEnvelope(
    _ payload: Payload, to known: EventSubscribers<Payload>?, from publisher: String
  ) async {
    let event = source.envelope(payload, topic: topic, publisher: publisher)
    let subscribers = known ?? keep(event)
    if known == nil {
      for mailbox in subscribers.deliverWhereRoom(payload) { await mailbox.send(payload) }
    }
    await subscribers.send(payload, event)
  }

  // MARK: Subscribing

  /// Adds a subscriber and hands it the last event of a sticky topic, before any that is published later.
  func attach(_ id: Int, _ sink: EventSink<Payload>) {
    let (event, retired) = state.withLock { state in
      let entry = EventSubscribers<Payload>.Entry(id: id, base: state.published, sink: sink)
      let retired = replaceSubscribers(in: &state, with: state.subscribers.entries + [entry])
      return (state.sticky, retired)
    }
    if let event { sink.replay(event) }
    // The list that was replaced may hold the last reference to a plugin's closure: it goes outside the lock.
    withExtendedLifetime(retired) {}
  }

  /// Removes a subscriber and returns how many events were published for it.
  @discardableResult
  func detach(_ id: Int) -> (offered: Int, retired: AnyObject?) {
    state.withLock { state in
      guard let entry = state.subscribers.entries.first(where: { $0.id == id }) else { return (0, nil) }
      let rest = state.subscribers.entries.filter { $0.id != id }
      return (state.published - entry.base, replaceSubscribers(in: &state, with: rest))
    }
  }

  private func replaceSubscribers(
    in state: inout State, with entries: [EventSubscribers<Payload>.Entry]
  ) -> EventSubscribers<Payload> {
    let retired = state.subscribers
    state.subscribers = EventSubscribers(entries)
    isObserved.store(isSticky || !entries.isEmpty, ordering: .releasing)
    return retired
  }
}

/// A channel without its type, as the bus lists it.
protocol AnyEventChannel: AnyObject, Sendable {
  var topic: Topic { get }
  var isSticky: Bool { get }
  var lastEvent: AnyEvent? { get }
  var statistics: (published: Int, subscribers: Int) { get }
  func attach(_ id: Int, _ sink: AnyEventSink)
  func detach(_ id: Int) -> (offered: Int, retired: AnyObject?)
  func offered(to id: Int) -> Int
}

extension EventChannel: AnyEventChannel {
  var lastEvent: AnyEvent? { state.withLock { $0.sticky } }

  var statistics: (published: Int, subscribers: Int) {
    state.withLock { ($0.published, $0.subscribers.entries.count) }
  }

  func attach(_ id: Int, _ sink: AnyEventSink) {
    switch sink {
    case .observer(let gate): attach(id, EventSink<Payload>.anyObserver(gate))
    case .mailbox(let mailbox): attach(id, EventSink<Payload>.anyMailbox(mailbox))
    }
  }

  func offered(to id: Int) -> Int {
    state.withLock { state in
      state.subscribers.entries.first { $0.id == id }.map { state.published - $0.base } ?? 0
    }
  }
}

/// Makes envelopes: numbers events and looks at the clock.
@usableFromInline
final class EventSource: Sendable {
  let clock: any HostClock
  private let sequence = Atomic<Int>(0)

  init(clock: any HostClock) { self.clock = clock }

  func envelope(_ payload: any Encodable & Sendable, topic: Topic, publisher: String) -> AnyEvent {
    AnyEvent(
      payload, topic: topic,
      publication: AnyEvent.Publication(
        sequence: sequence.add(1, ordering: .relaxed).newValue, time: clock.timeSinceEpoch, publisher: publisher,
        context: .current))
  }

  /// The envelope of an event that travelled without one and was lost.
  func lost(_ payload: any Encodable & Sendable, topic: Topic) -> AnyEvent {
    AnyEvent(payload, topic: topic, publication: AnyEvent.Publication(time: clock.timeSinceEpoch))
  }
}
