/// Where plugins publish what happened and learn what others published.
///
/// ```swift
/// context.bus.publish(PoolExhausted(waiting: 12))
/// context.bus.observe(PoolExhausted.self) { event in … }                    // called by the publisher: be quick
/// for await event in context.bus.events(of: PoolExhausted.self) { … }       // through a bounded buffer
/// context.bus.subscribe("pool.*") { event in try await notify(event.json) } // in a task of its own
/// ```
/// A subscriber receives the events of one publisher in the order of publication. Every buffer is bounded, says what it
/// does when it is full, and counts what it drops. What a plugin opened is closed by the kernel when the plugin stops.
///
/// The number of subscriptions is limited, per plugin and per host. One too many is refused: what the caller gets has
/// already ended, ``BusSubscriptionRefused`` is published, and the refusal is counted.
public struct EventBus: Sendable {
  @usableFromInline let core: EventBusCore
  @usableFromInline let owner: EventBusOwner

  /// A bus of its own, for tests and for programs without a host.
  public init(clock: any HostClock = SystemClock(), owner: String = "host") {
    self.init(core: EventBusCore(clock: clock), owner: owner)
  }

  /// A handle for one owner. What is opened through it can be ended with `core.cancelAll(of: owner)`.
  init(core: EventBusCore, owner: String) {
    self.core = core
    self.owner = EventBusOwner(name: owner)
  }

  /// A handle for one instance of a plugin: what is opened through it ends with the scope.
  init(core: EventBusCore, owner: String, scope: PluginScope) {
    self.init(core: core, owner: owner)
    let owner = self.owner
    scope.add(Subscription { [weak core] in core?.cancelAll(of: owner) })
  }

  // MARK: Publishing

  /// Publishes an event. Never waits and never fails; costs next to nothing while nobody listens.
  @inlinable
  public func publish<E: Event>(_ event: E) {
    core.withChannel(of: E.self) { $0.publish(event, from: owner.name) }
  }

  /// A handle that publishes events of one type, for hot paths: it saves the search for the type.
  public func publisher<E: Event>(for type: E.Type = E.self) -> EventPublisher<E> {
    EventPublisher(channel: core.withChannel(of: type) { $0 }, owner: owner)
  }

  /// Publishes an event, and waits while a subscriber with a full `.suspend` buffer works through it.
  @inlinable
  public nonisolated(nonsending) func send<E: Event>(_ event: E) async {
    await core.withChannel(of: E.self) { $0 }.send(event, from: owner.name)
  }

  /// Publishes an event that is known only by its topic and its JSON. It reaches the subscribers to patterns, not those
  /// to a type.
  public func publish(topic: Topic, json: JSONValue) {
    core.channel(of: topic).publish(json, from: owner.name)
  }

  // MARK: Observing

  /// Calls `body` for each event, in the task or thread of its publisher. It must be quick; it may publish, subscribe
  /// and cancel. Another thread may be in a last call while `cancel()` returns.
  @discardableResult
  public func observe<E: Event>(_ type: E.Type, _ body: @escaping @Sendable (E) -> Void) -> Subscription {
    guard let identity = core.admit(E.topic.rawValue, kind: .observer, owner: owner) else { return .ended }
    guard E.isSticky else {
      core.open(identity, to: type, .observer(EventObserver(body))) { _ in }
      return subscription(identity)
    }
    let gate = ReplayGate(body)
    core.open(identity, to: type, .gatedObserver(gate)) { _ in }
    gate.open()
    return subscription(identity)
  }

  /// Calls `body` for each event whose topic matches, in the task or thread of its publisher.
  @discardableResult
  public func observe(_ pattern: TopicPattern, _ body: @escaping @Sendable (AnyEvent) -> Void) -> Subscription {
    guard let identity = core.admit(pattern.rawValue, kind: .observer, owner: owner) else { return .ended }
    let gate = ReplayGate(body)
    core.open(identity, to: pattern, .observer(gate)) { _ in }
    gate.open()
    return subscription(identity)
  }

  // MARK: Streams

  /// The events of one type from now on, through a bounded buffer, for one consumer.
  public func events<E: Event>(of type: E.Type = E.self, buffer: EventBuffer = .standard) -> EventStream<E> {
    guard let identity = core.admit(E.topic.rawValue, kind: .stream, owner: owner) else { return .ended(buffer) }
    let source = core.source
    let mailbox = mailbox(identity, buffer) { source.lost($0, topic: E.topic) } as Mailbox<E>
    open(identity, to: type, .mailbox(mailbox), mailbox)
    return EventStream(mailbox, identity, subscription(identity))
  }

  /// The events of one type, each with topic, sequence, time, request id and publisher.
  public func envelopes<E: Event>(
    of type: E.Type = E.self, buffer: EventBuffer = .standard
  ) -> EventStream<EventEnvelope<E>> {
    guard let identity = core.admit(E.topic.rawValue, kind: .stream, owner: owner) else { return .ended(buffer) }
    let mailbox = mailbox(identity, buffer) { $0.any } as Mailbox<EventEnvelope<E>>
    open(identity, to: type, .envelopes(mailbox), mailbox)
    return EventStream(mailbox, identity, subscription(identity))
  }

  /// The events whose topic matches, from now on, through a bounded buffer, for one consumer.
  public func events(_ pattern: TopicPattern, buffer: EventBuffer = .standard) -> EventStream<AnyEvent> {
    guard let identity = core.admit(pattern.rawValue, kind: .stream, owner: owner) else { return .ended(buffer) }
    let mailbox = mailbox(identity, buffer) { $0 } as Mailbox<AnyEvent>
    open(identity, to: pattern, mailbox)
    return EventStream(mailbox, identity, subscription(identity))
  }

  // MARK: Handlers

  /// Calls `handler` for each event, one after the other, in a task of its own and in the request context of the event.
  /// An event whose handler throws becomes a dead letter.
  @discardableResult
  public func subscribe<E: Event>(
    _ type: E.Type, buffer: EventBuffer = .standard, _ handler: @escaping @Sendable (E) async throws -> Void
  ) -> Subscription {
    guard let identity = core.admit(E.topic.rawValue, kind: .handler, owner: owner) else { return .ended }
    let mailbox = mailbox(identity, buffer) { $0.any } as Mailbox<EventEnvelope<E>>
    let task = EventHandling.run(mailbox, context: \.any.context) { try await handler($0.event) }
    open(identity, to: type, .envelopes(mailbox), mailbox, task)
    return subscription(identity)
  }

  /// Calls `handler` for each event whose topic matches, one after the other, in a task of its own.
  @discardableResult
  public func subscribe(
    _ pattern: TopicPattern, buffer: EventBuffer = .standard,
    _ handler: @escaping @Sendable (AnyEvent) async throws -> Void
  ) -> Subscription {
    guard let identity = core.admit(pattern.rawValue, kind: .handler, owner: owner) else { return .ended }
    let mailbox = mailbox(identity, buffer) { $0 } as Mailbox<AnyEvent>
    let task = EventHandling.run(mailbox, context: \.context, handler)
    open(identity, to: pattern, mailbox, task)
    return subscription(identity)
  }

  // MARK: What is known

  /// What the bus has done and what waits in it.
  public var statistics: EventBusStatistics { core.statistics }

  /// The last 256 events that did not reach a subscriber, oldest first.
  public var deadLetters: [DeadLetter] { core.losses.letters }

  /// The last event of each sticky topic, by topic.
  public var stickyEvents: [AnyEvent] { core.stickyEvents }

  /// The last event of a sticky type.
  public func last<E: Event>(_ type: E.Type) -> E? {
    core.withChannel(of: type) { $0.lastEvent?.payload(as: type) }
  }
}

extension EventBus {
  private func subscription(_ identity: SubscriptionIdentity) -> Subscription {
    Subscription { [weak core, id = identity.id] in core?.cancel(id) }
  }

  private func mailbox<Element>(
    _ identity: SubscriptionIdentity, _ buffer: EventBuffer, _ wrap: @escaping @Sendable (Element) -> AnyEvent
  ) -> Mailbox<Element> {
    Mailbox(
      buffer,
      hooks: Mailbox<Element>.Hooks(
        lost: { [weak core] element, reason in core?.lost(wrap(element), reason, identity) },
        ended: { [weak core] in core?.cancel(identity.id) }))
  }

  private func open<E: Event, Element>(
    _ identity: SubscriptionIdentity, to type: E.Type, _ sink: EventSink<E>, _ mailbox: Mailbox<Element>,
    _ task: Task<Void, Never>? = nil
  ) {
    core.open(identity, to: type, sink, buffer: mailbox.buffer, counts: { mailbox.counts }) { discarding in
      mailbox.close(discarding: discarding)
      if discarding { task?.cancel() }
    }
  }

  private func open(
    _ identity: SubscriptionIdentity, to pattern: TopicPattern, _ mailbox: Mailbox<AnyEvent>,
    _ task: Task<Void, Never>? = nil
  ) {
    core.open(identity, to: pattern, .mailbox(mailbox), buffer: mailbox.buffer, counts: { mailbox.counts }) {
      discarding in
      mailbox.close(discarding: discarding)
      if discarding { task?.cancel() }
    }
  }
}

extension Subscription {
  /// One that never began.
  static var ended: Subscription { Subscription {} }
}
