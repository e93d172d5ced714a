import Instrumentation
public import Synchronization

/// Everybody who receives the events of one type, and the last event if the topic is sticky.
///
/// A publisher reads the list of subscribers without a lock: a subscriber may publish, subscribe and cancel. Changing
/// the list replaces it, under the lock.
@usableFromInline
final class EventChannel<Payload: Encodable & Sendable>: Sendable {
  private struct State: Sendable {
    /// Events published while somebody listened, without those that the cell still counts.
    var published = 0
    var subscribers: EventSubscribers<Payload>
    /// How many events had been published when each subscriber came.
    var bases: [Int: Int] = [:]
    var sticky: AnyEvent?
  }

  @usableFromInline let topic: Topic
  @usableFromInline let isSticky: Bool
  @usableFromInline let source: EventSource
  /// False while a publisher has nothing to do.
  @usableFromInline let isObserved: Atomic<Bool>
  @usableFromInline let cell: EventSubscriberCell<Payload>
  private let state: Mutex<State>

  init(topic: Topic, isSticky: Bool, source: EventSource) {
    self.topic = topic
    self.isSticky = isSticky
    self.source = source
    isObserved = Atomic(isSticky)
    let nobody = EventSubscribers<Payload>([])
    cell = EventSubscriberCell(nobody)
    state = Mutex(State(subscribers: nobody))
  }

  // MARK: Publishing

  @inlinable
  func publish(_ payload: Payload, from publisher: String) {
    if isObserved.load(ordering: .acquiring) { deliver(payload, from: publisher) }
  }

  @inlinable
  func deliver(_ payload: Payload, from publisher: String) {
    if isSticky { return deliverWithEnvelope(payload, to: nil, from: publisher) }
    let (list, isCrowded) = cell.enter()
    if isCrowded { settle() }
    let wantsMore = list._withUnsafeGuaranteedRef { subscribers in
      subscribers.deliver(payload)
      return subscribers.wantEnvelopes
    }
    if wantsMore { deliverWithEnvelope(payload, to: list.takeUnretainedValue(), from: publisher) }
    EventSubscriberCell.leave(list)
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
    let (subscribers, former) = state.withLock { state in
      state.published += 1
      let former = state.sticky
      if (former?.sequence ?? 0) < event.sequence { state.sticky = event }
      return (state.subscribers, former)
    }
    // It may hold the last reference to an event of a plugin: it goes outside the lock.
    withExtendedLifetime(former) {}
    return subscribers
  }

  /// Publishes, and waits for the subscribers whose buffer is full and whose policy is to suspend.
  @inlinable
  nonisolated(nonsending) func send(_ payload: Payload, from publisher: String) async {
    guard isObserved.load(ordering: .acquiring) else { return }
    if isSticky { return await sendWithEnvelope(payload, to: nil, from: publisher) }
    let (list, isCrowded) = cell.enter()
    if isCrowded { settle() }
    let full = list._withUnsafeGuaranteedRef { $0.deliverWhereRoom(payload) }
    let wantsMore = list._withUnsafeGuaranteedRef { $0.wantEnvelopes }
    let subscribers = wantsMore ? list.takeUnretainedValue() : nil
    EventSubscriberCell.leave(list)
    for mailbox in full { await mailbox.send(payload) }
    if let subscribers { await sendWithEnvelope(payload, to: subscribers, from: publisher) }
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

  /// Tells the list of its readers before their count overflows.
  @usableFromInline
  func settle() {
    state.withLock { $0.published += cell.settle() }
  }

  // MARK: Subscribing

  /// Adds a subscriber and hands it the last event of a sticky topic, before any that is published later.
  func attach(_ id: Int, _ sink: EventSink<Payload>) {
    let retired = state.withLock { state in
      let displaced = state.sticky.flatMap { sink.replay($0) }
      let entry = EventSubscribers<Payload>.Entry(id: id, sink: sink)
      let former = replaceSubscribers(in: &state, with: state.subscribers.entries + [entry])
      state.bases[id] = state.published
      return (displaced, former)
    }
    // What was replaced may hold the last reference to a plugin's closure or event: it goes outside the lock.
    withExtendedLifetime(retired) {}
  }

  /// Removes a subscriber and returns how many events were published for it. What is retired may hold the last
  /// reference to a plugin's closure: let it go outside of every lock.
  @discardableResult
  func detach(_ id: Int) -> (offered: Int, retired: AnyObject?) {
    state.withLock { state in
      guard let base = state.bases.removeValue(forKey: id) else { return (0, nil) }
      let rest = state.subscribers.entries.filter { $0.id != id }
      let former = replaceSubscribers(in: &state, with: rest)
      return (state.published - base, former)
    }
  }

  private func replaceSubscribers(
    in state: inout State, with entries: [EventSubscribers<Payload>.Entry]
  ) -> EventSubscribers<Payload> {
    let former = state.subscribers
    state.subscribers = EventSubscribers(entries)
    state.published += cell.replace(with: state.subscribers)
    isObserved.store(isSticky || !entries.isEmpty, ordering: .releasing)
    return former
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
    state.withLock { ($0.published + cell.arrivals, $0.bases.count) }
  }

  func attach(_ id: Int, _ sink: AnyEventSink) {
    switch sink {
    case .observer(let gate): attach(id, EventSink<Payload>.anyObserver(gate))
    case .mailbox(let mailbox): attach(id, EventSink<Payload>.anyMailbox(mailbox))
    }
  }

  func offered(to id: Int) -> Int {
    state.withLock { state in state.bases[id].map { state.published + cell.arrivals - $0 } ?? 0 }
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
