import Glibc
import MainstayDevServers
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import MainstayTesting
import Synchronization
import Testing

/// What happens to the server happens to no caller beyond its deadline. Times are printed, not judged.
@Suite(.serialized, .timeLimit(.minutes(3))) struct FaultTests {
  @Test func aKilledServerEndsEveryCallAndComesBack() async throws {
    try await DatabaseTrial.run { trial in
      let database = trial.database
      let load = Load(database)
      try await eventually { load.successes > 200 }
      await trial.server.kill()
      try await eventually { !database.statistics.isAvailable && database.statistics.total == 0 }
      let failures = load.failures
      try await eventually { load.failures > failures }
      try await timed("kill -9: the server is started again after") { try await trial.server.restart() }
      let back = load.successes
      try await timed("kill -9: the first call succeeds after the server serves, within") {
        try await eventually { load.successes > back }
      }
      await load.stop()
      #expect(load.wrong == 0, "no result may reach another caller")
      #expect(trial.events.contains { if case .recovered = $0 { true } else { false } })
      try await eventually { database.statistics.active == 0 && database.statistics.waiting == 0 }
    }
  }

  @Test func terminatedIdleSessionsCostNobodyAnything() async throws {
    try await DatabaseTrial.run({ settings, _ in settings.min = 4 }) { trial in
      let database = trial.database
      #expect(database.statistics.idle == 4)
      _ = try await trial.observer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
      )
      try await timed("pg_terminate_backend of all idle: seen within") {
        try await eventually { database.statistics.closed[.died] == 4 }
      }
      try await timed("pg_terminate_backend of all idle: replaced within") {
        try await eventually { database.statistics.idle == 4 }
      }
      #expect(try await database.query("SELECT 1", as: Int.self) == [1])
      try await trial.expectWhole()
    }
  }

  @Test func aTerminatedBusySessionFailsOneCall() async throws {
    try await DatabaseTrial.run { trial in
      let database = trial.database
      let call = Task { await failure { try await database.execute("SELECT pg_sleep(60)") } }
      try await eventually { try await trial.sessions("active") == 1 }
      _ = try await trial.observer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'")
      let error = await call.value as? PostgresError
      #expect(error?.effect == .evictAndRediscover || error?.effect == .evictConnection)
      try await trial.expectWhole()
    }
  }

  @Test func aFrozenBackendIsLeftAtTheDeadline() async throws {
    try await DatabaseTrial.run { trial in
      let database = trial.database
      var pid: Int32 = 0
      let error = await timed("SIGSTOP of a backend: a deadline of 300 ms ended after") {
        await failure {
          try await database.withConnection { connection in
            pid = connection.backendProcessID
            try trial.server.process.signal(SIGSTOP, process: connection.backendProcessID)
            _ = try await connection.execute("SELECT 1", deadline: .now.advanced(by: .milliseconds(300)))
          }
        }
      }
      #expect((error as? PostgresError)?.code == .timedOut)
      try await eventually { database.statistics.active == 0 }
      let closed = database.statistics.closed
      #expect((closed[.broken] ?? 0) + (closed[.died] ?? 0) == 1, "what does not end in time is not used again")
      #expect(try await database.query("SELECT 1", as: Int.self) == [1])
      try trial.server.process.signal(SIGCONT, process: pid)
      try await trial.expectWhole()
    }
  }

  @Test func aFrozenPostmasterDoesNotStopEstablishedConnections() async throws {
    try await DatabaseTrial.run({ settings, connection in
      settings.connectTimeout = .seconds(1)
      connection.connectTimeout = .seconds(1)
    }) { trial in
      let database = trial.database
      try trial.server.pause()
      #expect(try await database.query("SELECT 1", as: Int.self) == [1])
      // Two are open; the third must be opened, which nobody answers now.
      let errors = await timed("SIGSTOP of the postmaster: 10 callers with deadlines of 1 s ended after") {
        await withTaskGroup(of: (any Error)?.self) { group in
          for _ in 0..<10 {
            group.addTask {
              await failure {
                try await database.execute("SELECT pg_sleep(5)", deadline: .now.advanced(by: .seconds(1)))
              }
            }
          }
          return await group.reduce(into: []) { $0.append($1) }
        }
      }
      #expect(errors.allSatisfy { $0 is PoolError || $0 is PostgresError })
      try trial.server.resume()
      try await timed("SIGCONT of the postmaster: whole again within") { try await trial.expectWhole() }
    }
  }

  /// Plans that no longer fit are made anew by themselves: one by one, shared, and in batches.
  @Test func aTableThatChangesUnderLoadCostsNobodyAnything() async throws {
    try await DatabaseTrial.run { trial in
      let database = trial.database
      try await database.execute("CREATE TABLE hot AS SELECT id, id * 2 AS twice FROM generate_series(0, 99) id")
      let (done, wrong) = (Tally(), Tally())
      let work = Task {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for worker in 0..<8 {
            group.addTask {
              var number = worker
              while !Task.isCancelled {
                number = (number + 7) % 100
                let query: PostgresQuery = "SELECT * FROM hot WHERE id = \(Int32(number))"
                let results =
                  switch worker % 3 {
                  case 0: [try await database.execute(query)]
                  case 1: [try await database.read(query)]
                  default: try await database.batch([query, query])
                  }
                for result in results where try result[0].decode(Int32.self, at: 1) != Int32(number * 2) { wrong.add() }
                done.add()
              }
            }
          }
          try await group.waitForAll()
        }
      }
      for round in 0..<12 {
        let before = done.count
        try await eventually { done.count > before + 20 }
        try await trial.observer.script("ALTER TABLE hot ADD COLUMN more_\(round) int DEFAULT \(round)")
      }
      let before = done.count
      try await eventually { done.count > before + 20 }
      work.cancel()
      if let error = await failure({ try await work.value }) {
        #expect((error as? PostgresError)?.code == .cancelled || (error as? PoolError)?.code == .cancelled, "\(error)")
      }
      #expect(wrong.count == 0)
      try await trial.expectWhole()
    }
  }

  @Test func cancelledAnywhereThePoolStaysWhole() async throws {
    try await DatabaseTrial.run { trial in
      let database = trial.database
      try await database.execute("CREATE TABLE storms (id int)")
      let wrong = Tally()
      await withTaskGroup(of: Void.self) { group in
        for number in 0..<400 {
          group.addTask {
            let task = Task { try await Self.work(number, database) { wrong.add() } }
            // From before the first step to after the last one.
            for _ in 0..<(number * 7 % 300) { await Task.yield() }
            if number % 3 != 0 { try? await Task.sleep(for: .microseconds(number * 37 % 20_000)) }
            if number % 5 != 0 { task.cancel() }
            _ = await task.result
          }
        }
      }
      #expect(wrong.count == 0, "no result may reach another caller")
      try await trial.expectWhole()
      #expect(database.statistics.total <= 4)
    }
  }

  /// Statements of every kind, each of which tells whose it is.
  private static func work(_ number: Int, _ database: PostgresDatabase, wrong: () -> Void) async throws {
    switch number % 4 {
    case 0:
      if try await database.query("SELECT \(number)::int", as: Int.self) != [number] { wrong() }
    case 1:
      if try await database.read("SELECT \(number)::int FROM pg_sleep(0.001)").decode(Int.self) != [number] { wrong() }
    case 2:
      let all = try await database.batch((0..<20).map { "SELECT \(number * 100 + $0)::int" })
      if try all.flatMap({ try $0.decode(Int.self) }) != (0..<20).map({ number * 100 + $0 }) { wrong() }
    default:
      try await database.withConnection { connection in
        _ = try await connection.execute("BEGIN")
        _ = try await connection.execute("INSERT INTO storms VALUES (\(number))")
        let seen = try await connection.execute("SELECT max(id) FROM storms WHERE id = \(number)").decode(Int.self)
        if seen != [number] { wrong() }
        _ = try await connection.execute("ROLLBACK")
      }
    }
  }
}

/// Something counted by several tasks.
final class Tally: Sendable {
  private let total = Atomic<Int>(0)

  var count: Int { total.load(ordering: .acquiring) }
  func add() { total.add(1, ordering: .acquiringAndReleasing) }
}

/// Callers that go on asking, each for something of its own.
final class Load: Sendable {
  private struct Counts {
    var successes = 0
    var failures = 0
    var wrong = 0
  }

  private let counts = Mutex(Counts())
  private let task = Mutex<Task<Void, Never>?>(nil)

  var successes: Int { counts.withLock { $0.successes } }
  var failures: Int { counts.withLock { $0.failures } }
  var wrong: Int { counts.withLock { $0.wrong } }

  init(_ database: PostgresDatabase, callers: Int = 16) {
    let running = Task { [self] in
      await withTaskGroup(of: Void.self) { group in
        for caller in 0..<callers { group.addTask { await self.call(database, caller) } }
      }
    }
    task.withLock { $0 = running }
  }

  private func call(_ database: PostgresDatabase, _ caller: Int) async {
    var number = caller
    while !Task.isCancelled {
      number += 1_000
      do {
        let got = try await database.query(
          "SELECT \(number)::int", as: Int.self, deadline: .now.advanced(by: .seconds(2)))
        counts.withLock {
          $0.successes += 1
          if got != [number] { $0.wrong += 1 }
        }
      } catch {
        if Task.isCancelled { return }
        counts.withLock { $0.failures += 1 }
        await Task.yield()
      }
    }
  }

  func stop() async {
    let running = task.withLock { $0 }
    running?.cancel()
    await running?.value
  }
}
