import Instrumentation
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayKernel

struct Counted: Event {
  static let topic: Topic = "test.counted"
  var number: Int
}

struct SameTopic: Event {
  static let topic: Topic = "test.counted"
  var text: String
}

struct Level: Event {
  static let topic: Topic = "test.level"
  static let isSticky = true
  var value: Int
}

/// What observers and consumers have seen.
final class Seen<Value: Sendable>: Sendable {
  private let values = Mutex<[Value]>([])
  func add(_ value: Value) { values.withLock { $0.append(value) } }
  var all: [Value] { values.withLock { $0 } }
}

@Suite struct EventBusTests {
  let clock = ManualClock()
  let core: EventBusCore
  let bus: EventBus

  init() {
    core = EventBusCore(clock: clock)
    bus = EventBus(core: core, owner: "shop")
  }

  // MARK: Observers

  @Test func observersGetEventsInOrderUntilTheyAreCancelled() {
    let seen = Seen<Int>()
    let subscription = bus.observe(Counted.self) { seen.add($0.number) }
    let publisher = bus.publisher(for: Counted.self)
    bus.publish(Counted(number: 1))
    publisher.publish(Counted(number: 2))
    #expect(publisher.isObserved)
    subscription.cancel()
    bus.publish(Counted(number: 3))
    #expect(seen.all == [1, 2])
    #expect(!publisher.isObserved)
    #expect(bus.statistics.subscriptions.isEmpty)
  }

  @Test func patternsGetWhatTheyMatchAlsoOfTypesToCome() {
    let seen = Seen<String>()
    bus.observe("test.*") { seen.add("\($0)") }
    bus.observe("other.**") { seen.add("wrong \($0)") }
    bus.publish(Counted(number: 1))
    bus.publish(SameTopic(text: "x"))
    bus.publish(topic: "test.json", json: ["a": 1])
    #expect(seen.all == [#"test.counted {"number":1}"#, #"test.counted {"text":"x"}"#, #"test.json {"a":1}"#])
  }

  @Test func typesThatShareATopicStayApartByType() {
    let numbers = Seen<Int>()
    let texts = Seen<String>()
    bus.observe(Counted.self) { numbers.add($0.number) }
    bus.observe(SameTopic.self) { texts.add($0.text) }
    bus.publish(Counted(number: 1))
    bus.publish(SameTopic(text: "x"))
    #expect(numbers.all == [1] && texts.all == ["x"])
    #expect(bus.statistics.topics.map(\.topic) == ["test.counted"])
    #expect(bus.statistics.topics.first?.published == 2)
  }

  @Test func anObserverMayPublishSubscribeAndCancel() {
    let seen = Seen<String>()
    let own = Mutex<Subscription?>(nil)
    let bus = bus
    let subscription = bus.observe(Counted.self) { event in
      seen.add("first \(event.number)")
      if event.number == 1 {
        bus.observe(Counted.self) { seen.add("second \($0.number)") }
        bus.publish(Counted(number: 2))
        own.withLock { $0 }?.cancel()
      }
    }
    own.withLock { $0 = subscription }
    bus.publish(Counted(number: 1))
    bus.publish(Counted(number: 3))
    #expect(seen.all == ["first 1", "first 2", "second 2", "second 3"])
  }

  @Test func manyTypesAreFound() {
    // More than the first table holds.
    func publish<Value: Encodable & Sendable>(_ value: Value, depth: Int) {
      let seen = Seen<Int>()
      bus.observe(Wrapped<Value>.self) { _ in seen.add(depth) }
      bus.publish(Wrapped(value: value))
      #expect(seen.all == [depth])
      if depth < 60 { publish([value], depth: depth + 1) }
    }
    publish(1, depth: 0)
    #expect(bus.statistics.topics.first?.published == 61)
  }

  // MARK: Envelopes

  @Test func anEnvelopeTellsAboutThePublication() async throws {
    let stream = bus.envelopes(of: Counted.self)
    var context = ServiceContext.topLevel
    context.requestID = "r-1"
    context.traceContext = TraceContext(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    ServiceContext.withValue(context) { bus.publish(Counted(number: 7)) }
    var iterator = stream.makeAsyncIterator()
    let envelope = try #require(await iterator.next())
    #expect(envelope.event.number == 7 && envelope.requestID == "r-1" && envelope.publisher == "shop")
    #expect(envelope.time == clock.timeSinceEpoch && envelope.sequence == 1 && envelope.topic == "test.counted")
    #expect(envelope.traceContext?.isSampled == true)
    #expect(envelope.any.as(Counted.self)?.number == 7 && envelope.any.as(Level.self) == nil)
    #expect(envelope.any.json == ["number": 7])
  }

  // MARK: Sticky

  @Test func aNewSubscriberLearnsTheLastValue() async throws {
    bus.publish(Level(value: 1))
    bus.publish(Level(value: 2))
    let seen = Seen<String>()
    bus.observe(Level.self) { seen.add("typed \($0.value)") }
    bus.observe("test.**") { seen.add("any \($0.json)") }
    let stream = bus.events(of: Level.self)
    bus.publish(Level(value: 3))
    #expect(seen.all == ["typed 2", #"any {"value":2}"#, "typed 3", #"any {"value":3}"#])
    stream.cancel()
    var values: [Int] = []
    for await event in stream { values.append(event.value) }
    #expect(values == [2, 3])
    #expect(bus.last(Level.self)?.value == 3)
    #expect(bus.stickyEvents.map(\.topic) == ["test.level"])
  }

  @Test func whatAnObserverPublishesDuringTheReplayComesAfterIt() {
    bus.publish(Level(value: 1))
    let seen = Seen<Int>()
    let bus = bus
    bus.observe(Level.self) { event in
      if event.value < 4 { bus.publish(Level(value: event.value + 1)) }
      seen.add(event.value)
    }
    #expect(seen.all == [1, 2, 3, 4])
    #expect(bus.last(Level.self)?.value == 4)
  }

  // MARK: Streams

  @Test func nothingIsLostBeforeTheLoopBegins() async throws {
    let stream = bus.events(of: Counted.self)
    for number in 0..<10 { bus.publish(Counted(number: number)) }
    stream.cancel()
    bus.publish(Counted(number: 99))
    var numbers: [Int] = []
    for await event in stream { numbers.append(event.number) }
    #expect(numbers == Array(0..<10))
    #expect(bus.statistics.subscriptions.isEmpty)
  }

  @Test func aFullBufferDropsCountsAndTells() {
    let drops = Seen<Int>()
    bus.observe(BusDropped.self) { drops.add($0.dropped) }
    let stream = bus.events(of: Counted.self, buffer: .dropOldest(2))
    for number in 0..<5 { bus.publish(Counted(number: number)) }
    #expect(drops.all == [1])
    clock.advance(by: .milliseconds(999))
    bus.publish(Counted(number: 5))
    #expect(drops.all == [1])
    clock.advance(by: .milliseconds(1))
    bus.publish(Counted(number: 6))
    #expect(drops.all == [1, 5])
    let statistics = stream.statistics
    #expect(
      statistics.dropped == 5 && statistics.queued == 2 && statistics.highWater == 2 && statistics.owner == "shop")
    #expect(bus.deadLetters.map { $0.event.as(Counted.self)?.number } == [0, 1, 2, 3, 4])
    #expect(bus.deadLetters.allSatisfy { $0.reason == .overflow && $0.topic == "test.counted" })
    #expect(bus.statistics.dropped == 5)
  }

  @Test func reportsOfDropsDoNotFeedThemselves() {
    let stream = bus.events("**", buffer: .dropOldest(1))
    for number in 0..<1000 {
      bus.publish(Counted(number: number))
      clock.advance(by: .seconds(2))
    }
    // One report for each drop of an event, none for the drop of a report.
    let published = bus.statistics.topics.first { $0.topic == BusDropped.topic }?.published ?? 0
    #expect((1...1000).contains(published))
    #expect(stream.statistics.dropped == 1000 + published - 1)
    #expect(bus.deadLetters.count == 256)
  }

  @Test func sendWaitsForRoom() async throws {
    let stream = bus.events(of: Counted.self, buffer: .suspend(2))
    let bus = bus
    let sender = Task {
      for number in 0..<100 { await bus.send(Counted(number: number)) }
    }
    try await eventually { stream.handle.mailbox.machine.withLock { !$0.senders.isEmpty } }
    #expect(stream.statistics.highWater == 2)
    bus.publish(Counted(number: -1))
    var iterator = stream.makeAsyncIterator()
    var numbers: [Int] = []
    while numbers.count < 100, let event = await iterator.next() { numbers.append(event.number) }
    await sender.value
    #expect(numbers == Array(0..<100))
    #expect(stream.statistics.dropped == 1)
  }

  @Test func aCancelledSenderDoesNotWait() async throws {
    let stream = bus.events(of: Counted.self, buffer: .suspend(1))
    let bus = bus
    bus.publish(Counted(number: 0))
    let sender = Task { await bus.send(Counted(number: 1)) }
    sender.cancel()
    await sender.value
    #expect(stream.statistics.dropped == 1 && stream.statistics.queued == 1)
  }

  @Test func disconnectEndsTheStream() async throws {
    let stream = bus.events(of: Counted.self, buffer: .disconnect(2))
    for number in 0..<4 { bus.publish(Counted(number: number)) }
    var numbers: [Int] = []
    for await event in stream { numbers.append(event.number) }
    #expect(numbers == [0, 1])
    #expect(bus.statistics.subscriptions.isEmpty)
  }

  @Test func cancellingTheTaskEndsAParkedLoop() async throws {
    let stream = bus.events("test.*")
    let task = Task { for await _ in stream {} }
    try await eventually { stream.handle.mailbox.machine.withLock { $0.consumer != nil } }
    task.cancel()
    await task.value
    #expect(bus.statistics.subscriptions.isEmpty)
  }

  @Test func cancellingTheSubscriptionEndsAParkedLoop() async throws {
    let stream = bus.events(of: Counted.self)
    let task = Task { for await _ in stream {} }
    try await eventually { stream.handle.mailbox.machine.withLock { $0.consumer != nil } }
    stream.cancel()
    await task.value
  }

  @Test func aSecondIteratorEndsAtOnceAndOneAfterGoesOn() async throws {
    let stream = bus.events(of: Counted.self)
    for number in 0..<4 { bus.publish(Counted(number: number)) }
    do {
      var first = stream.makeAsyncIterator()
      var second = stream.makeAsyncIterator()
      #expect(await first.next()?.number == 0)
      #expect(await second.next() == nil)
      #expect(await first.next()?.number == 1)
    }
    var third = stream.makeAsyncIterator()
    #expect(await third.next()?.number == 2)
  }

  @Test func aDroppedStreamUnregistersItself() {
    do {
      let stream = bus.events(of: Counted.self)
      #expect(bus.statistics.subscriptions.count == 1)
      bus.publish(Counted(number: 1))
      withExtendedLifetime(stream) {}
    }
    #expect(bus.statistics.subscriptions.isEmpty)
    #expect(bus.deadLetters.map(\.reason) == [.subscriberGone])
    #expect(!bus.publisher(for: Counted.self).isObserved)
  }

  @Test func aStreamEndsWithItsBus() async throws {
    let stream = EventBus(clock: clock).events(of: Counted.self)
    for await _ in stream { Issue.record("nothing was published") }
  }

  // MARK: Handlers

  struct Failure: Error, CustomStringConvertible { let description = "no such patient" }

  @Test func handlersRunInOrderAndFailuresBecomeDeadLetters() async throws {
    let seen = Seen<String>()
    bus.subscribe(Counted.self) { event in
      if event.number == 2 { throw Failure() }
      seen.add("\(event.number) \(ServiceContext.current?.requestID ?? "-")")
    }
    var context = ServiceContext.topLevel
    context.requestID = "r-9"
    ServiceContext.withValue(context) { bus.publish(Counted(number: 1)) }
    bus.publish(Counted(number: 2))
    bus.publish(Counted(number: 3))
    try await eventually { seen.all.count == 2 }
    #expect(seen.all == ["1 r-9", "3 -"])
    #expect(bus.deadLetters.map(\.reason) == [.handlerFailed("no such patient")])
    #expect(bus.statistics.failed == 1 && bus.statistics.dropped == 0)
  }

  @Test func whatAnOwnerOpenedEndsWithIt() async throws {
    let other = EventBus(core: core, owner: "other")
    let stream = bus.events(of: Counted.self)
    bus.observe("**") { _ in }
    bus.subscribe("test.*") { _ in }
    other.observe(Counted.self) { _ in }
    bus.publish(Counted(number: 1))
    core.cancelAll(of: bus.owner)
    #expect(bus.statistics.subscriptions.map(\.owner) == ["other"])
    for await _ in stream { Issue.record("what waits is discarded") }
  }

  @Test func aClosedInstanceCanOpenNothing() {
    core.cancelAll(of: bus.owner)
    bus.observe(Counted.self) { _ in Issue.record("closed") }
    bus.publish(Counted(number: 1))
    #expect(bus.statistics.subscriptions.isEmpty && bus.statistics.refused == 1)
  }

  // MARK: Limits

  @Test func oneSubscriptionTooManyIsRefusedAndTold() async throws {
    let core = EventBusCore(clock: clock, limits: .init(subscriptionsPerOwner: 2, subscriptions: 3))
    let bus = EventBus(core: core, owner: "greedy")
    let refused = Seen<Int>()
    EventBus(core: core, owner: "kernel").observe(BusSubscriptionRefused.self) { refused.add($0.limit) }
    bus.observe(Counted.self) { _ in }
    bus.observe(Counted.self) { _ in }
    let stream = bus.events(of: Counted.self)
    for await _ in stream {}
    EventBus(core: core, owner: "another").observe(Counted.self) { _ in }
    #expect(refused.all == [2, 3])
    #expect(bus.statistics.refused == 2 && bus.statistics.subscriptions.count == 3)
  }

  @Test func topicsFromOutsideAreBounded() throws {
    let core = EventBusCore(clock: clock, limits: .init(dynamicTopics: 10))
    let bus = EventBus(core: core, owner: "rules")
    let seen = Seen<Topic>()
    bus.observe("dynamic.*") { seen.add($0.topic) }
    for number in 0..<50 { bus.publish(topic: try Topic("dynamic.t\(number)"), json: nil) }
    #expect(seen.all.count == 50)
    #expect(bus.statistics.topics.count == 10)
  }

  // MARK: Many at once

  @Test(arguments: [EventBuffer.dropOldest(64), .dropNewest(64), .suspend(64)])
  func theSumsAddUpUnderLoad(_ buffer: EventBuffer) async throws {
    let bus = bus
    // More in all than the channel counts without settling.
    let perPublisher = 6000
    let stream = bus.events(of: Counted.self, buffer: buffer)
    let consumer = Task { await Self.consume(stream) }
    try await withThrowingTaskGroup { group in
      for publisher in 0..<8 {
        group.addTask {
          let events = bus.publisher(for: Counted.self)
          for number in 0..<perPublisher { await events.send(Counted(number: publisher << 20 | number)) }
        }
        group.addTask { try await Self.churn(bus, rounds: 60) }
      }
      try await group.waitForAll()
    }
    stream.cancel()
    let (count, isOrdered) = await consumer.value
    let statistics = stream.statistics
    #expect(isOrdered, "the order of one publisher was not kept")
    #expect(count == statistics.delivered && statistics.queued == 0)
    #expect(statistics.delivered + statistics.dropped == 8 * perPublisher)
    if case .suspend = buffer { #expect(statistics.dropped == 0) }
    #expect(bus.statistics.topics.first { $0.topic == Counted.topic }?.published == 8 * perPublisher)
    #expect(bus.statistics.subscriptions.isEmpty)
  }

  /// Counts, and checks that the numbers of each publisher grow.
  private static func consume(_ stream: EventStream<Counted>) async -> (count: Int, isOrdered: Bool) {
    var last = [Int](repeating: -1, count: 8)
    var count = 0
    var isOrdered = true
    for await event in stream {
      let (publisher, number) = (event.number >> 20, event.number & 0xFFFFF)
      isOrdered = isOrdered && last[publisher] < number
      last[publisher] = number
      count += 1
    }
    return (count, isOrdered)
  }

  /// Subscribes and cancels in every way.
  private static func churn(_ bus: EventBus, rounds: Int) async throws {
    for round in 0..<rounds {
      let observer = bus.observe(Counted.self) { _ in }
      let pattern = bus.observe("test.*") { _ in }
      let stream = bus.events("**", buffer: .dropOldest(4))
      let handler = bus.subscribe(Counted.self, buffer: .dropNewest(4)) { _ in }
      var iterator = stream.makeAsyncIterator()
      if round % 8 == 0 { stream.cancel() }
      if round % 8 == 0 { while await iterator.next() != nil {} }
      for subscription in [handler, observer, pattern] { subscription.cancel() }
    }
  }
}

private struct Wrapped<Value: Encodable & Sendable>: Event {
  static var topic: Topic { "test.wrapped" }
  var value: Value
}
