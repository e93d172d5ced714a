import HTTPTypes
import MainstayHTTP
import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayHTTPServer

private struct Rang: Event {
  static let topic: Topic = "bell.rang"
  let times: Int
}

private struct DoorState: Event {
  static let topic: Topic = "door.state"
  static let isSticky = true
  let isOpen: Bool
}

private struct WindowState: Event {
  static let topic: Topic = "window.state"
  static let isSticky = true
  let isOpen: Bool
}

@Suite struct EventStreamTests {
  private let run = EventStreamRun(startedAt: .milliseconds(1_735_689_600_000))

  @Test func writesTimesAsTheStandardSays() {
    #expect(EventStreamTime.text(.zero) == "1970-01-01T00:00:00.000Z")
    #expect(EventStreamTime.text(.seconds(951_782_399)) == "2000-02-28T23:59:59.000Z")
    #expect(EventStreamTime.text(.seconds(951_782_400)) == "2000-02-29T00:00:00.000Z")
    #expect(EventStreamTime.text(.milliseconds(1_735_689_599_999)) == "2024-12-31T23:59:59.999Z")
    #expect(EventStreamTime.text(.seconds(4_102_444_800)) == "2100-01-01T00:00:00.000Z")
    #expect(EventStreamTime.text(.seconds(4_107_542_400)) == "2100-03-01T00:00:00.000Z")
  }

  @Test func anIdIsGoodForOneRun() {
    #expect(run.sequence(of: run.id(42)) == 42)
    #expect(run.sequence(of: EventStreamRun(startedAt: .seconds(5)).id(42)) == nil)
    for id in ["", "42", "-42", "\(run.name)-", "\(run.name)-x", "\(run.name)-1-2"] {
      #expect(run.sequence(of: id) == nil)
    }
    #expect(run.sequence(of: nil) == nil)
  }

  @Test func framesAreWhole() {
    #expect(EventStreamFrame.opening(retry: .milliseconds(1500)) == "retry: 1500\n\n")
    #expect(EventStreamFrame.comment("heartbeat") == ": heartbeat\n\n")
    #expect(EventStreamFrame.dropped(2, total: 5) == "event: bus.dropped\ndata: {\"dropped\":2,\"total\":5}\n\n")
  }

  @Test func streamsWhatMatchesUntilTheServerDrains() async throws {
    let stream = TestStream(["bell.*", "**"])
    try await stream.next { $0.contains("retry: 3000") }
    stream.bus.publish(Rang(times: 1))
    stream.bus.publish(DoorState(isOpen: true))
    let bell = try await stream.next { $0.contains("bell.rang") }
    #expect(bell.contains("event: bell.rang\n"))
    #expect(bell.contains("\"time\":\"2025-01-01T00:00:00.000Z\""))
    #expect(bell.contains("\"event\":{\"times\":1}"))
    #expect(bell.hasSuffix("\n\n"))
    try await stream.next { $0.contains("door.state") }
    try await stream.end()
    #expect(stream.frames.last == ": the stream ends\n\n")
    // Both patterns match the bell, and it comes once.
    #expect(stream.frames.count { $0.contains("bell.rang") } == 1)
  }

  @Test func beatsWhileNothingHappens() async throws {
    let stream = TestStream(["bell.*"])
    for beats in 1...3 {
      await stream.clock.waitForSleepers()
      stream.clock.advance(by: .seconds(15))
      try await stream.next { _ in stream.frames.count { $0 == ": heartbeat\n\n" } == beats }
    }
    try await stream.end()
  }

  @Test func repeatsAStickyEventUnlessTheClientHasSeenIt() async throws {
    let bus = EventBus(clock: ManualClock())
    bus.publish(DoorState(isOpen: true))
    let first = TestStream(["door.*"], bus: bus)
    let frame = try await first.next { $0.contains("door.state") }
    try await first.end()
    let id = try #require(frame.split(separator: "\n").first?.dropFirst(4))
    let seen = try #require(first.run.sequence(of: String(id)))
    let second = TestStream(["door.*"], bus: bus, seen: seen)
    try await second.next { $0.contains("retry") }
    bus.publish(DoorState(isOpen: false))
    let next = try await second.next { $0.contains("door.state") }
    #expect(next.contains("\"isOpen\":false"))
    try await second.end()
  }

  @Test func repeatsStickyEventsInTheOrderOfPublicationAndOnce() async throws {
    let bus = EventBus(clock: ManualClock())
    bus.publish(WindowState(isOpen: true))
    bus.publish(DoorState(isOpen: true))
    let stream = TestStream(["door.*", "**"], bus: bus)
    try await stream.next { $0.contains("door.state") }
    bus.publish(Rang(times: 1))
    try await stream.next { $0.contains("bell.rang") }
    try await stream.end()
    let topics = stream.frames.compactMap { frame in
      frame.split(separator: "\n").first { $0.hasPrefix("event: ") }.map { String($0.dropFirst(7)) }
    }
    #expect(topics == ["window.state", "door.state", "bell.rang"])
  }

  @Test func tellsASlowClientWhatItHasLost() async throws {
    let stream = TestStream(["bell.*"], buffer: 4, isHeld: true)
    try await stream.next { $0.contains("retry") }
    for times in 0..<20 { stream.bus.publish(Rang(times: times)) }
    stream.release()
    try await stream.next { $0.contains("\"times\":19") }
    let notices = stream.frames.filter { $0.hasPrefix("event: bus.dropped") }
    #expect(!notices.isEmpty)
    let arrived = stream.frames.count { $0.contains("bell.rang") }
    let last = try #require(notices.last)
    #expect(last.contains("\"total\":\(20 - arrived)"), "\(stream.frames)")
    try await stream.end()
  }

  @Test func endsWhenTheClientIsGone() async throws {
    struct Gone: Error {}
    let bus = EventBus(clock: ManualClock())
    let session = EventStreamSession(
      patterns: [.all], run: run, seen: nil, configuration: EventStreamConfiguration(), bus: bus, clock: ManualClock(),
      drain: DrainSignal())
    let writes = Atomic<Int>(0)
    await #expect(throws: Gone.self) {
      try await session.write { _ in
        if writes.add(1, ordering: .relaxed).newValue > 1 { throw Gone() }
        bus.publish(Rang(times: 1))
      }
    }
    #expect(bus.statistics.subscriptions.isEmpty)
  }

  @Test func endsWhenItsTaskIsCancelled() async throws {
    let stream = TestStream(["bell.*"])
    try await stream.next { $0.contains("retry") }
    stream.task.cancel()
    _ = await stream.task.result
    #expect(stream.bus.statistics.subscriptions.isEmpty)
  }

  @Test func limitsStreamsInAllAndForEachCaller() throws {
    let slots = EventStreamSlots(limit: 3, perCaller: 2)
    var held = [try slots.take("ada"), try slots.take("ada")]
    #expect(throws: HTTPProblem.self) { try slots.take("ada") }
    held.append(try slots.take("bob"))
    let full = #expect(throws: HTTPProblem.self) { try slots.take("eve") }
    #expect(full?.status == .serviceUnavailable)
    #expect(full?.headers[.retryAfter] == "10")
    #expect(slots.open == 3)
    held.removeFirst()
    #expect(slots.open == 2)
    _ = try slots.take("ada")
    held.removeAll()
    #expect(slots.open == 0)
  }

  @Test func aChannelHandsOverOneByOne() async {
    let channel = EventStreamChannel<Int>()
    async let sent = channel.send(1)
    #expect(await channel.receive() == 1)
    #expect(await sent)
    async let received = channel.receive()
    let second = await channel.send(2)
    #expect(second)
    #expect(await received == 2)
    channel.close()
    #expect(await channel.send(3) == false)
    #expect(await channel.receive() == nil)
  }
}

/// A stream whose frames a test can wait for, and whose client can be held up.
private final class TestStream {
  let bus: EventBus
  let clock: ManualClock
  let drain = DrainSignal()
  let run = EventStreamRun(startedAt: .seconds(1))
  let task: Task<Void, any Error>
  /// The frames that were waited for, and those before them.
  private(set) var frames: [String] = []
  private var incoming: AsyncStream<String>.Iterator
  private let gate = DrainSignal()

  init(
    _ patterns: [TopicPattern], bus: EventBus? = nil, seen: Int? = nil, buffer: Int = 1024, isHeld: Bool = false
  ) {
    let clock = ManualClock()
    let bus = bus ?? EventBus(clock: clock)
    var configuration = EventStreamConfiguration()
    configuration.buffer = buffer
    let session = EventStreamSession(
      patterns: patterns, run: run, seen: seen, configuration: configuration, bus: bus, clock: clock, drain: drain)
    let (stream, continuation) = AsyncStream<String>.makeStream()
    (self.bus, self.clock, incoming) = (bus, clock, stream.makeAsyncIterator())
    if !isHeld { gate.give() }
    task = Task { [gate] in
      defer { continuation.finish() }
      try await session.write { frame in
        continuation.yield(frame)
        await gate.wait()
      }
    }
  }

  /// The first frame, past or to come, that matches.
  @discardableResult
  func next(_ matches: (String) -> Bool) async throws -> String {
    if let frame = frames.first(where: matches) { return frame }
    while let frame = await incoming.next() {
      frames.append(frame)
      if matches(frame) { return frame }
    }
    throw CancellationError()
  }

  /// Ends the stream as a server that drains does; all its frames are known then.
  func end() async throws {
    drain.give()
    while let frame = await incoming.next() { frames.append(frame) }
    try await task.value
  }

  /// Lets a client that was held up read on.
  func release() { gate.give() }
}
