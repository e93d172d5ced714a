import MainstayPooling
import MainstayReactor
import Synchronization

/// What a subscription to channels hears.
public enum PostgresListenEvent: Sendable, Hashable {
  /// Somebody sent `NOTIFY`.
  case notification(PostgresNotification)
  /// Notifications may have been missed: the connection was lost and is back, or the reader was too slow. Look at the
  /// tables themselves once more.
  case gap
}

/// How it goes with listening to channels.
public enum PostgresListenState: Sendable {
  /// The server has taken the `LISTEN` of every channel.
  case listening
  /// Nothing is heard: the connection was lost, or could not be opened, or the server refused `LISTEN`.
  /// - Parameters:
  ///   - failures: How many times in a row. The next attempt follows within 15 seconds.
  case interrupted(any Error, failures: Int)
}

/// What is sent to channels with `NOTIFY`, from the moment of the first reading on; ends when the task that reads it is
/// cancelled. It has a connection of its own, apart from the pool, which is opened again whenever it is lost.
public struct PostgresListening: AsyncSequence, Sendable {
  /// A notification, or a gap.
  public typealias Element = PostgresListenEvent

  fileprivate let factory: PostgresConnectionFactory
  fileprivate let channels: [String]
  fileprivate let buffer: Int
  fileprivate let observer: @Sendable (PostgresListenState) -> Void

  /// Opens the connection.
  public func makeAsyncIterator() -> Iterator {
    let (stream, continuation) = AsyncStream<PostgresListenEvent>.makeStream(bufferingPolicy: .bufferingOldest(buffer))
    let listener = PostgresListener(factory, channels, continuation, observer)
    let task = Task { await listener.run() }
    continuation.onTermination = { _ in task.cancel() }
    return Iterator(base: stream.makeAsyncIterator(), listener: listener)
  }

  /// Reads one event after the other.
  public struct Iterator: AsyncIteratorProtocol {
    fileprivate var base: AsyncStream<PostgresListenEvent>.Iterator
    fileprivate let listener: PostgresListener

    /// The next event; nil when the reading task is cancelled.
    public mutating func next() async -> PostgresListenEvent? {
      if listener.takeLoss() { return .gap }
      return await base.next(isolation: #isolation)
    }
  }
}

extension PostgresDatabase {
  /// Hears what is sent to channels with `NOTIFY`.
  ///
  /// ```swift
  /// for await event in database.listen(to: "orders") {
  ///   switch event {
  ///   case .notification(let notification): …
  ///   case .gap: …   // look at the table: something may have been missed
  ///   }
  /// }
  /// ```
  /// It goes on trying for as long as it is read, however often it fails; `observer` is told why nothing is heard.
  /// - Parameters:
  ///   - buffer: How many events wait for a slow reader; what comes beyond them is dropped and told as a gap.
  ///   - observer: Is told when listening begins and when it is interrupted; it must not wait.
  public func listen(
    to channels: String..., buffer: Int = 1_024,
    observer: @escaping @Sendable (PostgresListenState) -> Void = { _ in }
  ) -> PostgresListening {
    listen(to: channels, buffer: buffer, observer: observer)
  }

  /// Hears what is sent to channels with `NOTIFY`.
  public func listen(
    to channels: [String], buffer: Int = 1_024, observer: @escaping @Sendable (PostgresListenState) -> Void = { _ in }
  ) -> PostgresListening {
    PostgresListening(factory: factory, channels: channels, buffer: max(1, buffer), observer: observer)
  }
}

/// Keeps a connection that listens.
private final class PostgresListener: Sendable {
  /// Without traffic for so long, the server is asked for a sign of life.
  private static let heartbeat = Duration.seconds(30)
  private static let shortestPause = Duration.milliseconds(50)
  private static let longestPause = Duration.seconds(15)
  private static let usefulLife = Duration.seconds(5)

  private let factory: PostgresConnectionFactory
  private let channels: [String]
  private let events: AsyncStream<PostgresListenEvent>.Continuation
  private let observer: @Sendable (PostgresListenState) -> Void
  private let hasLost = Atomic<Bool>(false)

  init(
    _ factory: PostgresConnectionFactory, _ channels: [String], _ events: AsyncStream<PostgresListenEvent>.Continuation,
    _ observer: @escaping @Sendable (PostgresListenState) -> Void
  ) {
    self.factory = factory
    self.channels = channels
    self.events = events
    self.observer = observer
  }

  /// Whether events were dropped since the last call.
  func takeLoss() -> Bool { hasLost.exchange(false, ordering: .acquiringAndReleasing) }

  func run() async {
    var pause = Self.shortestPause
    var failures = 0
    var isFirst = true
    while !Task.isCancelled {
      do {
        let (reason, lasted) = try await session(isFirst: isFirst)
        failures = 0
        // One that is lost again and again is not opened anew as fast as that.
        if lasted > Self.usefulLife { pause = Self.shortestPause }
        interrupted(reason, &failures)
      } catch {
        interrupted(error, &failures)
      }
      isFirst = false
      try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
      pause = min(pause * 2, Self.longestPause)
    }
    events.finish()
  }

  private func interrupted(_ reason: any Error, _ failures: inout Int) {
    if Task.isCancelled { return }
    failures += 1
    observer(.interrupted(reason, failures: failures))
  }

  /// One connection's life: why it has ended, and for how long it was listened to.
  private func session(isFirst: Bool) async throws -> (reason: any Error, lasted: Duration) {
    let (ended, end) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let connection = try await connect(end)
    defer { connection.close() }
    for channel in channels {
      let name =
        "\"" + channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
      _ = try await connection.execute(PostgresQuery(unsafe: "LISTEN \(name)").unprepared())
    }
    if !isFirst { tell(.gap) }
    observer(.listening)
    let begun = MonotonicInstant.now
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await _ in ended {} }
      group.addTask { await Self.keepAsking(connection) }
      await group.next()
      group.cancelAll()
    }
    let reason = connection.closeReason ?? PostgresError(.timedOut, "the server gave no sign of life")
    return (reason, begun.duration(to: .now))
  }

  /// Asks for a sign of life now and then; returns when there is none.
  private static func keepAsking(_ connection: PostgresConnection) async {
    do {
      while true {
        try await Task.sleep(for: heartbeat)
        _ = try await connection.execute("SELECT 1", deadline: .now.advanced(by: .seconds(5)))
      }
    } catch {
      // The connection is lost, or nobody listens any more.
    }
  }

  private func connect(_ end: AsyncStream<Void>.Continuation) async throws -> PostgresConnection {
    let handlers = PostgresConnectionHandlers(
      onNotification: { [weak self] in self?.tell(.notification($0)) }, onClosed: { _ in end.finish() })
    if let absence = factory.absence { throw PostgresError(.options, absence) }
    var failures: [PostgresError] = []
    for (server, endpoint) in factory.options.endpoints.enumerated() {
      let connection: PostgresConnection
      do {
        connection = try await PostgresConnection.connect(
          factory.options, to: endpoint, settings: factory.settings(forServer: server), handlers: handlers,
          on: factory.reactors[0])
      } catch {
        failures.append(PostgresConnectFailure(error, factory.options, endpoint).error)
        continue
      }
      guard !factory.changesServers(server) else {
        connection.close()
        throw PostgresError.deaf
      }
      return connection
    }
    throw PostgresConnectFailure.all(failures)
  }

  private func tell(_ event: PostgresListenEvent) {
    if case .dropped = events.yield(event) { hasLost.store(true, ordering: .releasing) }
  }
}

extension PostgresError {
  fileprivate static var deaf: PostgresError {
    PostgresError(
      .misuse,
      "LISTEN hears nothing through a pooler that changes servers between transactions; listen to a database whose URL is "
        + "the server's own, or set `pooler: session` if this one keeps its servers")
  }
}
