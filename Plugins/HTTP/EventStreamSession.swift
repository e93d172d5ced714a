import MainstayHTTP
import MainstayKernel

/// One client's stream: reads the bus and writes frames, until the client goes away or the server drains.
struct EventStreamSession: Sendable {
  private enum Item: Sendable {
    case event(AnyEvent)
    case heartbeat
    case end
  }

  let patterns: [TopicPattern]
  let run: EventStreamRun
  /// The event that the client has seen last; nil if it knows nothing of this run of the host.
  let seen: Int?
  let configuration: EventStreamConfiguration
  let bus: EventBus
  let clock: any HostClock
  let drain: DrainSignal

  /// Writes frames until the stream ends. Throws what `write` throws, when the client is gone.
  func write(_ write: (String) async throws -> Void) async throws {
    let streams = patterns.map { bus.events($0, buffer: .dropOldest(configuration.buffer)) }
    let channel = EventStreamChannel<Item>()
    try await write(EventStreamFrame.opening(retry: configuration.retry))
    // Read after the subscription began: what is published in between comes twice, and is left out there.
    let past = past
    for event in past { try await write(EventStreamFrame.event(event, run: run)) }
    let written = Set(past.map(\.sequence))
    try await withThrowingDiscardingTaskGroup { group in
      for (index, stream) in streams.enumerated() {
        group.addTask { await forward(stream, index, written, to: channel) }
      }
      group.addTask { await beat(channel) }
      group.addTask {
        await drain.wait()
        _ = await channel.send(.end)
      }
      defer {
        channel.close()
        group.cancelAll()
      }
      try await pass(channel, streams, write)
    }
  }

  /// The last events of sticky topics that the client does not know. In the order of publication, so that the id of
  /// each stands for all before it.
  private var past: [AnyEvent] {
    bus.stickyEvents
      .filter { event in isNew(event) && patterns.contains { $0.matches(event.topic) } }
      .sorted { $0.sequence < $1.sequence }
  }

  private func isNew(_ event: AnyEvent) -> Bool { seen.map { event.sequence > $0 } ?? true }

  /// Writes what the channel brings.
  private func pass(
    _ channel: EventStreamChannel<Item>, _ streams: [EventStream<AnyEvent>], _ write: (String) async throws -> Void
  ) async throws {
    var reported = 0
    while let item = await channel.receive() {
      let dropped = streams.reduce(0) { $0 + $1.statistics.dropped }
      if dropped > reported {
        try await write(EventStreamFrame.dropped(dropped - reported, total: dropped))
        reported = dropped
      }
      switch item {
      case .event(let event): try await write(EventStreamFrame.event(event, run: run))
      case .heartbeat: try await write(EventStreamFrame.comment("heartbeat"))
      case .end: return try await write(EventStreamFrame.comment("the stream ends"))
      }
    }
  }

  /// Sends on what a pattern brings, but for what an earlier pattern brings too and what has been written already.
  private func forward(
    _ stream: EventStream<AnyEvent>, _ index: Int, _ written: Set<Int>, to channel: EventStreamChannel<Item>
  ) async {
    for await event in stream where isNew(event) && !written.contains(event.sequence) {
      guard !patterns[..<index].contains(where: { $0.matches(event.topic) }) else { continue }
      guard await channel.send(.event(event)) else { return }
    }
    // The bus ends a subscription when the plugin stops, or refuses one too many: the client may come back.
    _ = await channel.send(.end)
  }

  private func beat(_ channel: EventStreamChannel<Item>) async {
    while (try? await clock.sleep(for: configuration.heartbeat)) != nil {
      guard await channel.send(.heartbeat) else { return }
    }
  }
}
