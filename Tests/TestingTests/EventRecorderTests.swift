import MainstayKernel
import MainstayTesting
import Testing

private struct Rang: Event {
  static let topic: Topic = "bell.rang"
  let times: Int
}

private struct Knocked: Event {
  static let topic: Topic = "door.knocked"
}

@Suite struct EventRecorderTests {
  private let bus = EventBus()

  @Test func keepsWhatMatchesInOrder() {
    let recorder = EventRecorder(bus, "bell.*")
    bus.publish(Rang(times: 1))
    bus.publish(Knocked())
    bus.publish(Rang(times: 2))
    #expect(recorder.topics == ["bell.rang", "bell.rang"])
    #expect(recorder.events(of: Rang.self).map(\.times) == [1, 2])
  }

  @Test func findsWhatHasAlreadyHappened() async throws {
    let recorder = EventRecorder(bus)
    bus.publish(Rang(times: 1))
    bus.publish(Rang(times: 2))
    let found = try await recorder.next(Rang.self) { $0.times > 1 }
    #expect(found.times == 2)
  }

  @Test func waitsForWhatIsToCome() async throws {
    let recorder = EventRecorder(bus)
    let bus = bus
    let next = Task { try await recorder.next(Rang.self) { $0.times == 3 } }
    for times in 1...3 { bus.publish(Rang(times: times)) }
    let found = try await next.value
    #expect(found.times == 3)
  }

  @Test func cancelledWaitEnds() async {
    let recorder = EventRecorder(bus)
    let next = Task { try await recorder.next(Rang.self) }
    next.cancel()
    await #expect(throws: CancellationError.self) { try await next.value }
  }

  @Test func endsWithItsRecorder() {
    var recorder: EventRecorder? = EventRecorder(bus)
    #expect(bus.statistics.subscriptions.count == 1)
    #expect(recorder?.events.isEmpty == true)
    recorder = nil
    #expect(bus.statistics.subscriptions.isEmpty)
  }
}
