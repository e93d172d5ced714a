import MainstayDevServers
import MainstayKernel
import MainstayPooling
import MainstayPostgres
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayPool

/// Growing and shrinking in a host, with a server, by a clock that only the test moves.
@Suite(.serialized, .timeLimit(.minutes(3))) struct PoolScalingTests {
  /// Such that nothing else of the host sleeps for so long: the plugin's sleep is told by it.
  private static let interval = Duration.seconds(31)
  private static let manifest = """
    plugins:
      pool:
        monitoring_interval: 31s
        redis: { enabled: false }
        postgres: { max: 8, acquire_timeout: 1h, autoscaling: { enabled: true } }
      borrower: {}
    """

  @Test func growsUnderLoadAndShrinksAfterIt() async throws {
    try await run { database, recorder, processors, clock in
      #expect(database.statistics.limit == 2, "a quarter of max")
      let users = Users(3, of: database)
      // A host does not stop while they stay: no time passes for it.
      defer { users.leave() }
      try await eventually { users.inside == 2 && database.statistics.waiting == 1 }

      processors.use(percent: 76)
      await clock.waitForSleeper(due: Self.interval)
      clock.advance(by: Self.interval)
      try await eventually { database.statistics.waiting == 2 }
      #expect(database.statistics.limit == 2, "busy processors brake")
      // The sign of life waits for a connection, too, for two seconds.
      clock.advance(by: .seconds(3))

      processors.use(percent: 75)
      await clock.waitForSleeper(due: Self.interval)
      clock.advance(by: Self.interval)
      try await eventually { !scalings(recorder).isEmpty }
      expect(scalings(recorder).first, "pool.scaled-up", from: 2, to: 3)
      try await eventually { users.inside == 3 }
      #expect(database.statistics.limit == 3)
      users.leave()
      try await eventually { database.statistics.active == 0 }

      processors.use(percent: 100)
      let released = clock.now
      await clock.waitForSleeper(due: Self.interval)
      while scalings(recorder).count < 2, released.duration(to: clock.now) < .seconds(7_200) {
        clock.advance(by: Self.interval)
        await clock.waitForSleeper(due: Self.interval)
      }
      #expect(released.duration(to: clock.now) >= .seconds(1_800), "half an hour of little use")
      #expect(scalings(recorder).count == 2)
      expect(scalings(recorder).last, "pool.scaled-down", from: 3, to: 2)
      #expect(database.statistics.limit == 2)
    }
  }

  private func scalings(_ recorder: EventRecorder) -> [AnyEvent] {
    recorder.events.filter { "\($0.topic)".hasPrefix("pool.scaled") }
  }

  private func expect(_ event: AnyEvent?, _ topic: String, from: Int, to: Int) {
    #expect(event.map { "\($0.topic)" } == topic)
    #expect(event?.json == ["target": "postgres", "from": .integer(Int64(from)), "to": .integer(Int64(to))])
  }

  private func run(
    _ body: (PostgresDatabase, EventRecorder, Processors, ManualClock) async throws -> Void
  ) async throws {
    let (borrowed, processors, clock) = (Borrowed(), Processors(), ManualClock())
    try await withDevServer(try await PostgresServer.start()) { server in
      try await Processors.$present.withValue(processors) {
        try await withHost(
          borrowed, manifest: Self.manifest, environment: ["DATABASE_URL": server.url], pool: WatchedPoolPlugin.self,
          clock: clock
        ) { host in
          try await body(try #require(borrowed.postgres), EventRecorder(host.events, "pool.*"), processors, clock)
        }
      }
    }
  }
}

/// Processors that are as busy as a test says.
private final class Processors: Sendable {
  @TaskLocal static var present = Processors()

  private let counts = Mutex((percent: 0, busy: 0, idle: 0))

  func use(percent: Int) { counts.withLock { $0.percent = percent } }

  /// Like /proc/stat, a second after the reading before.
  var text: String {
    counts.withLock { counts in
      counts.busy += counts.percent
      counts.idle += 100 - counts.percent
      return "cpu  \(counts.busy) 0 0 \(counts.idle) 0 0 0 0"
    }
  }
}

/// The pool with the test's processors.
private struct WatchedPoolPlugin: Plugin {
  static let manifest = PoolPlugin.manifest
  private let pool: PoolPlugin

  init(configuration: PoolConfiguration, context: PluginContext) async throws {
    let processors = Processors.present
    pool = try await PoolPlugin(configuration, context) { processors.text }
  }

  func run() async throws { try await pool.run() }
}

/// Callers that keep their connections until they are told to leave.
private struct Users {
  private let tally = Tally()
  private let gate = Gate()

  init(_ count: Int, of database: PostgresDatabase) {
    for _ in 0..<count {
      Task.detached { [tally, gate] in
        try await database.withConnection { _ in
          tally.add()
          await gate.wait()
        }
      }
    }
  }

  var inside: Int { tally.count }

  func leave() { gate.open() }
}
