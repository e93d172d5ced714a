import Synchronization

/// The bus of one host: its channels, its subscriptions and what was lost.
///
/// Guarantees: a subscriber receives the events of one publisher in the order in which they were published. There is
/// no order between subscribers, nor between publishers. No lock is held while a subscriber is called.
///
/// Locks are taken in this order: the bus's, a channel's, a mailbox's. A publisher takes none of the first kind.
@usableFromInline
final class EventBusCore: Sendable {
  /// How many subscriptions and topics the bus keeps.
  struct Limits: Sendable {
    var subscriptionsPerOwner = 4096
    var subscriptions = 16384
    /// Topics that appear only as JSON, from rules or over HTTP. Events of further ones are delivered without being
    /// counted by topic.
    var dynamicTopics = 4096
  }

  private struct Record {
    let identity: SubscriptionIdentity
    let buffer: EventBuffer?
    let pattern: TopicPattern?
    let sink: AnyEventSink?
    var channels: [any AnyEventChannel]
    let counts: (@Sendable () -> MailboxCounts)?
    let close: @Sendable (_ discarding: Bool) -> Void
  }

  private struct State {
    var channels: [any AnyEventChannel] = []
    var dynamic: [Topic: EventChannel<JSONValue>] = [:]
    var records: [Int: Record] = [:]
    var perOwner: [String: Int] = [:]
    var lastID = 0
    var refused = 0
  }

  let source: EventSource
  let losses: EventLosses
  @usableFromInline let table = EventChannelTable()
  private let limits: Limits
  private let state = Mutex(State())

  init(clock: any HostClock, limits: Limits = Limits()) {
    self.limits = limits
    source = EventSource(clock: clock)
    losses = EventLosses(clock: clock)
  }

  deinit {
    for record in state.withLock({ Array($0.records.values) }) { record.close(false) }
  }

  // MARK: Channels

  /// The channel of an event type. It lives as long as the bus.
  @inlinable
  func withChannel<E: Event, Result>(of type: E.Type, _ body: (EventChannel<E>) -> Result) -> Result {
    guard let found = table.find(UInt(bitPattern: ObjectIdentifier(type))) else { return body(makeChannel(of: type)) }
    return Unmanaged<EventChannel<E>>.fromOpaque(found)._withUnsafeGuaranteedRef { body($0) }
  }

  @usableFromInline
  func makeChannel<E: Event>(of type: E.Type) -> EventChannel<E> {
    let topic = E.topic
    let isSticky = E.isSticky
    return state.withLock { state in
      let key = UInt(bitPattern: ObjectIdentifier(type))
      if let found = table.find(key) { return Unmanaged<EventChannel<E>>.fromOpaque(found).takeUnretainedValue() }
      let channel = EventChannel<E>(topic: topic, isSticky: isSticky, source: source)
      table.insert(key, channel)
      add(channel, to: &state)
      return channel
    }
  }

  /// The channel of events that come as JSON. Above the limit of topics, one that lasts for a single event.
  func channel(of topic: Topic) -> EventChannel<JSONValue> {
    state.withLock { state in
      if let known = state.dynamic[topic] { return known }
      let channel = EventChannel<JSONValue>(topic: topic, isSticky: false, source: source)
      if state.dynamic.count < limits.dynamicTopics {
        state.dynamic[topic] = channel
        add(channel, to: &state)
      } else {
        attachPatterns(to: channel, in: &state, keeping: false)
      }
      return channel
    }
  }

  private func add(_ channel: any AnyEventChannel, to state: inout State) {
    state.channels.append(channel)
    attachPatterns(to: channel, in: &state, keeping: true)
  }

  private func attachPatterns(to channel: any AnyEventChannel, in state: inout State, keeping: Bool) {
    for id in state.records.keys.sorted() {
      guard let record = state.records[id], let sink = record.sink, record.pattern?.matches(channel.topic) == true
      else { continue }
      channel.attach(id, sink)
      if keeping { state.records[id]?.channels.append(channel) }
    }
  }

  // MARK: Subscriptions

  /// What a new subscription needs: an identity, unless there are too many already.
  func admit(_ name: String, kind: SubscriptionStatistics.Kind, owner: EventBusOwner) -> SubscriptionIdentity? {
    let limit = state.withLock { state -> Int? in
      let own = state.perOwner[owner.name, default: 0]
      if owner.isClosed { return 0 }
      if own >= limits.subscriptionsPerOwner { return limits.subscriptionsPerOwner }
      if state.records.count >= limits.subscriptions { return limits.subscriptions }
      return nil
    }
    guard let limit else { return SubscriptionIdentity(id: nextID(), name: name, kind: kind, owner: owner) }
    refuse(name, owner, limit)
    return nil
  }

  private func nextID() -> Int {
    state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
  }

  private func refuse(_ name: String, _ owner: EventBusOwner, _ limit: Int) {
    state.withLock { $0.refused += 1 }
    if !owner.isClosed {
      publish(BusSubscriptionRefused(subscription: name, owner: owner.name, limit: limit), from: "bus")
    }
  }

  /// Opens a subscription to one type.
  func open<E: Event>(
    _ identity: SubscriptionIdentity, to type: E.Type, _ sink: EventSink<E>, buffer: EventBuffer? = nil,
    counts: (@Sendable () -> MailboxCounts)? = nil, close: @escaping @Sendable (Bool) -> Void
  ) {
    let channel = withChannel(of: type) { $0 }
    let record = Record(
      identity: identity, buffer: buffer, pattern: nil, sink: nil, channels: [channel], counts: counts, close: close)
    open(record) { _ in channel.attach(identity.id, sink) }
  }

  /// Opens a subscription to a pattern: to the topics that are known and to those to come.
  func open(
    _ identity: SubscriptionIdentity, to pattern: TopicPattern, _ sink: AnyEventSink, buffer: EventBuffer? = nil,
    counts: (@Sendable () -> MailboxCounts)? = nil, close: @escaping @Sendable (Bool) -> Void
  ) {
    let record = Record(
      identity: identity, buffer: buffer, pattern: pattern, sink: sink, channels: [], counts: counts, close: close)
    open(record) { state in
      for channel in state.channels where pattern.matches(channel.topic) {
        channel.attach(identity.id, sink)
        state.records[identity.id]?.channels.append(channel)
      }
    }
  }

  private func open(_ record: Record, attach: (inout State) -> Void) {
    let isLate = state.withLock { state in
      state.records[record.identity.id] = record
      state.perOwner[record.identity.owner.name, default: 0] += 1
      attach(&state)
      return record.identity.owner.isClosed
    }
    if isLate { cancel(record.identity.id, discarding: true) }
  }

  /// Ends a subscription. What waits is still delivered, unless it is discarded.
  func cancel(_ id: Int, discarding: Bool = false) {
    let (record, retired) = state.withLock { state -> (Record?, [AnyObject?]) in
      guard let record = state.records.removeValue(forKey: id) else { return (nil, []) }
      let owner = record.identity.owner.name
      state.perOwner[owner] = state.perOwner[owner].flatMap { $0 > 1 ? $0 - 1 : nil }
      return (record, record.channels.map { $0.detach(id).retired })
    }
    record?.close(discarding)
    withExtendedLifetime(retired) {}
  }

  /// Ends everything that one instance of an owner has opened, and refuses what it opens later; what waits is discarded.
  func cancelAll(of owner: EventBusOwner) {
    owner.close()
    let ids = state.withLock { state in
      state.records.values.filter { $0.identity.owner === owner }.map(\.identity.id).sorted()
    }
    for id in ids { cancel(id, discarding: true) }
  }

  /// Ends everything, when the host has stopped; what waits is still delivered.
  func endAll() {
    let ids = state.withLock { $0.records.keys.sorted() }
    for id in ids { cancel(id) }
  }

  // MARK: Losses

  /// Notes an event that did not reach a subscriber, and tells about it at most once a second.
  func lost(_ event: AnyEvent, _ reason: DeadLetter.Reason, _ identity: SubscriptionIdentity) {
    let isDue = losses.note(event, reason, identity)
    guard isDue, let record = state.withLock({ $0.records[identity.id] }), let counts = record.counts else { return }
    publish(
      BusDropped(
        subscription: identity.name, owner: identity.owner.name, buffer: record.buffer?.description ?? "",
        dropped: counts().dropped), from: "bus")
  }

  private func publish<E: Event>(_ event: E, from publisher: String) {
    withChannel(of: E.self) { $0.publish(event, from: publisher) }
  }

  // MARK: What is known

  var statistics: EventBusStatistics {
    let (channels, records, refused) = state.withLock { state in
      (state.channels, state.records.values.sorted { $0.identity.id < $1.identity.id }, state.refused)
    }
    return EventBusStatistics(
      topics: EventBusCore.topics(of: channels), subscriptions: records.map(EventBusCore.statistics),
      dropped: losses.dropped, failed: losses.failed, refused: refused)
  }

  /// Two event types may share a topic: they are counted together.
  private static func topics(of channels: [any AnyEventChannel]) -> [TopicStatistics] {
    Dictionary(grouping: channels, by: \.topic).map { topic, channels in
      let counts = channels.map(\.statistics)
      return TopicStatistics(
        topic: topic, published: counts.reduce(0) { $0 + $1.published },
        subscriptions: counts.map(\.subscribers).max() ?? 0, isSticky: channels.contains { $0.isSticky })
    }
    .sorted { $0.topic < $1.topic }
  }

  private static func statistics(of record: Record) -> SubscriptionStatistics {
    let identity = record.identity
    let counts =
      record.counts?()
      ?? MailboxCounts(delivered: record.channels.reduce(0) { $0 + $1.offered(to: identity.id) })
    return SubscriptionStatistics(
      id: identity.id, subscription: identity.name, owner: identity.owner.name, kind: identity.kind,
      buffer: record.buffer?.description, delivered: counts.delivered, dropped: counts.dropped, queued: counts.queued,
      highWater: counts.highWater)
  }

  /// The last events of sticky topics, by topic.
  var stickyEvents: [AnyEvent] {
    state.withLock { $0.channels }.compactMap(\.lastEvent).sorted { $0.topic < $1.topic }
  }
}
