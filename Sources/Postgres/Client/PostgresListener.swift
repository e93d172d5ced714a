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

/// What is sent to channels with `NOTIFY`, from the moment of the first reading on; ends when the task that reads it is
/// cancelled. It has a connection of its own, apart from the pool, which is opened again whenever it is lost.
public struct PostgresListening: AsyncSequence, Sendable {
  /// A notification, or a gap.
  public typealias Element = PostgresListenEvent

  fileprivate let factory: PostgresConnectionFactory
  fileprivate let channels: [String]
  fileprivate let buffer: Int

  /// Opens the connection.
  public func makeAsyncIterator() -> Iterator {
    let (stream, continuation) = AsyncStream<PostgresListenEvent>.makeStream(bufferingPolicy: .bufferingOldest(buffer))
    let listener = PostgresListener(factory, channels, continuation)
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
  /// - Parameter buffer: How many events wait for a slow reader; what comes beyond them is dropped and told as a gap.
  public func listen(to channels: String..., buffer: Int = 1_024) -> PostgresListening {
    listen(to: channels, buffer: buffer)
  }

  /// Hears what is sent to channels with `NOTIFY`.
  public func listen(to channels: [String], buffer: Int = 1_024) -> PostgresListening {
    PostgresListening(factory: factory, channels: channels, buffer: max(1, buffer))
  }
}

/// Keeps a connection that listens.
private final class PostgresListener: Sendable {
  /// Without traffic for so long, the server is asked for a sign of life.
  private static let heartbeat = Duration.seconds(30)
  private static let longestPause = Duration.seconds(15)

  private let factory: PostgresConnectionFactory
  private let channels: [String]
  private let events: AsyncStream<PostgresListenEvent>.Continuation
  private let hasLost = Atomic<Bool>(false)

  init(
    _ factory: PostgresConnectionFactory, _ channels: [String], _ events: AsyncStream<PostgresListenEvent>.Continuation
  ) {
    self.factory = factory
    self.channels = channels
    self.events = events
  }

  /// Whether events were dropped since the last call.
  func takeLoss() -> Bool { hasLost.exchange(false, ordering: .acquiringAndReleasing) }

  func run() async {
    var pause = Duration.milliseconds(50)
    var isFirst = true
    while !Task.isCancelled {
      do {
        try await session(isFirst: isFirst) { pause = .milliseconds(50) }
      } catch {
        // Whatever it was: once more, later.
      }
      isFirst = false
      try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
      pause = min(pause * 2, Self.longestPause)
    }
    events.finish()
  }

  /// One connection's life.
  private func session(isFirst: Bool, began: () -> Void) async throws {
    let (ended, end) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let connection = try await connect(end)
    defer { connection.close() }
    for channel in channels {
      let name =
        "\"" + channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
      _ = try await connection.execute(PostgresQuery(unsafe: "LISTEN \(name)").unprepared())
    }
    if !isFirst { tell(.gap) }
    began()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await _ in ended {} }
      group.addTask { await Self.keepAsking(connection) }
      await group.next()
      group.cancelAll()
    }
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
    var last: (any Error)?
    for endpoint in factory.options.endpoints {
      do {
        return try await PostgresConnection.connect(
          factory.options, to: endpoint, settings: factory.settings, handlers: handlers, on: factory.reactors[0])
      } catch {
        last = error
      }
    }
    throw last ?? PostgresError(.options, "there is no server to connect to")
  }

  private func tell(_ event: PostgresListenEvent) {
    if case .dropped = events.yield(event) { hasLost.store(true, ordering: .releasing) }
  }
}
