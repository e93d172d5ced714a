import MainstayDevServers
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import MainstayTesting
import Synchronization
import Testing

/// The database over its pool, against a server of its own.
@Suite(.serialized, .timeLimit(.minutes(2))) struct DatabaseTests {
  @Test func readsAndWrites() async throws {
    try await DatabaseTrial.run { trial in
      let database = trial.database
      try await database.execute("CREATE TABLE rooms (id int PRIMARY KEY, name text)")
      let rows: [PostgresQuery] = (1...10).map { "INSERT INTO rooms VALUES (\($0), \("room \($0)"))" }
      let inserted = try await database.batch(rows)
      #expect(inserted.count == 10 && inserted.allSatisfy { $0.affectedRows == 1 })
      #expect(try await database.query("SELECT name FROM rooms WHERE id = \(3)", as: String.self) == ["room 3"])
      struct Room: Decodable, Equatable {
        var id: Int
        var name: String
      }
      let room = try await database.query("SELECT * FROM rooms WHERE id = 4", as: Room.self)
      #expect(room == [Room(id: 4, name: "room 4")])
      let read = try await database.read("SELECT count(*)::int FROM rooms")
      #expect(try read.decode(Int.self) == [10])
      let all = try await database.concurrently((1...10).map { "SELECT \($0)::int" }, atMost: 3)
      #expect(try all.flatMap { try $0.decode(Int.self) } == Array(1...10))
      #expect(database.statistics.total <= 4)
      try await trial.expectWhole()
    }
  }

  @Test func aBatchInPartsIsStillOne() async throws {
    try await DatabaseTrial.run { trial in
      let small = try PostgresDatabase(
        name: "small", options: trial.database.options, pool: trial.database.settings,
        reactors: [trial.database.reactor], batchSize: 3)
      try await small.execute("CREATE TABLE parts (id int PRIMARY KEY)")
      var rows: [PostgresQuery] = (1...10).map { "INSERT INTO parts VALUES (\($0))" }
      #expect(try await small.batch(rows).count == 10)
      rows = (11...20).map { "INSERT INTO parts VALUES (\($0))" } + ["INSERT INTO parts VALUES (1)"]
      let error = await failure { try await small.batch(rows) } as? PostgresError
      #expect(error?.state == .uniqueViolation)
      try await eventually { small.statistics.active == 0 }
      #expect(try await small.query("SELECT count(*)::int FROM parts", as: Int.self) == [10], "all or none")
      await small.drain(by: .now.advanced(by: .seconds(2)))
    }
  }

  /// A read without an end among those of others, on the connections that they share.
  @Test func aResultThatIsTooLargeHarmsNobodyElse() async throws {
    try await DatabaseTrial.run({ _, connection in connection.maxResultSize = 4 << 20 }) { trial in
      let database = trial.database
      let wrong = await withTaskGroup(of: String?.self) { group in
        for number in 0..<60 {
          group.addTask {
            do {
              if number % 20 == 7 {
                _ = try await database.read("SELECT generate_series(1, 1000000000), repeat('x', 1000)")
                return "an endless result was read"
              }
              let read = try await database.read("SELECT \(number)::int FROM pg_sleep(0.01)").decode(Int.self)
              return read == [number] ? nil : "\(number) got \(read)"
            } catch {
              let isTooLarge = (error as? PostgresError)?.code == .resultTooLarge
              return isTooLarge && number % 20 == 7 ? nil : "\(number): \(error)"
            }
          }
        }
        return await group.compactMap(\.self).reduce(into: []) { $0.append($1) }
      }
      #expect(wrong.isEmpty, "\(wrong)")
      try await trial.expectWhole()
    }
  }

  @Test func anOpenTransactionIsRolledBackBeforeTheNextUser() async throws {
    try await DatabaseTrial.run({ settings, _ in settings.max = 2 }) { trial in
      let database = trial.database
      try await database.execute("CREATE TABLE notes (id int)")
      try await database.withConnection { connection in
        _ = try await connection.execute("BEGIN")
        _ = try await connection.execute("INSERT INTO notes VALUES (1)")
      }
      #expect(try await database.query("SELECT count(*)::int FROM notes", as: Int.self) == [0])
      let failed = await failure {
        try await database.withConnection { connection in
          _ = try await connection.execute("BEGIN")
          _ = try await connection.execute("SELECT 1/0")
        }
      }
      #expect((failed as? PostgresError)?.state == .divisionByZero)
      try await trial.expectWhole()
      #expect(trial.database.statistics.closed[.broken] == nil, "rolled back, not closed")
    }
  }

  @Test func readersShareConnections() async throws {
    try await DatabaseTrial.run({ settings, _ in settings.max = 8 }) { trial in
      let database = trial.database
      let wrong = await withTaskGroup(of: Int.self) { group in
        for task in 0..<64 {
          group.addTask {
            var wrong = 0
            for round in 0..<50 {
              let wanted = task * 1_000 + round
              let got = try? await database.read("SELECT \(wanted)::int").decode(Int.self)
              if got != [wanted] { wrong += 1 }
            }
            return wrong
          }
        }
        return await group.reduce(0, +)
      }
      #expect(wrong == 0)
      #expect(database.statistics.peak <= 8)
      try await trial.expectWhole()
    }
  }

  /// Readers that wait while every connection is used by others come away together as soon as one of them has a connection,
  /// not one after the other.
  @Test func readersWhoWaitJoinTheFirstOfThem() async throws {
    try await DatabaseTrial.run({ settings, _ in (settings.min, settings.max) = (1, 1) }) { trial in
      let database = trial.database
      let before = database.statistics
      let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
        try await database.withConnection { _ in
          for number in 0..<50 {
            let reader = Task.detached { try await database.read("SELECT \(number)::int").decode(Int.self).first ?? -1 }
            group.addTask { try await reader.value }
          }
          try await eventually { database.statistics.waiting == 50 }
        }
        return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
      }
      #expect(numbers == Set(0..<50))
      let after = database.statistics
      func waits(_ statistics: PoolStatistics) -> Int { statistics.acquisitions.waited.reduce(0, +) }
      #expect(waits(after) - waits(before) == 1, "50 readers shared what one of them was lent")
      #expect(after.cancelled == before.cancelled, "who leaves the line for a place was not cancelled")
      try await trial.expectWhole()
    }
  }

  /// A reader in line ends by its own deadline and its own cancellation, and takes nothing with it.
  @Test func readersWhoWaitLeaveTheLine() async throws {
    try await DatabaseTrial.run({ settings, _ in (settings.min, settings.max) = (1, 1) }) { trial in
      let database = trial.database
      try await database.withConnection { _ in
        // Whoever holds the connection may not wait for another one; tasks of their own hold none.
        let late = Task.detached {
          await failure { try await database.read("SELECT 1", deadline: .now.advanced(by: .milliseconds(50))) }
        }
        let cancelled = Task.detached { await failure { try await database.read("SELECT 1") } }
        let patient = Task.detached { try await database.read("SELECT 7").decode(Int.self) }
        try await eventually { database.statistics.waiting >= 2 }
        cancelled.cancel()
        #expect((await cancelled.value as? PoolError)?.code == .cancelled)
        #expect((await late.value as? PoolError)?.code == .timedOut)
        try await eventually { database.statistics.waiting == 1 }
        patient.cancel()
        #expect((await failure { try await patient.value } as? PoolError)?.code == .cancelled)
      }
      try await trial.expectWhole()
    }
  }

  /// Runs a test with a database whose connections, all open, live on two reactors in turn.
  private func withTwoReactors(
    connections: Int, _ body: (PostgresDatabase, [Reactor]) async throws -> Void
  ) async throws {
    try await DatabaseTrial.run { trial in
      let reactors = [try Reactor(name: "one"), try Reactor(name: "two")]
      defer { for reactor in reactors { reactor.shutdown() } }
      var settings = trial.database.settings
      (settings.min, settings.max) = (connections, connections)
      let database = try PostgresDatabase(
        name: "two", options: trial.database.options, pool: settings, reactors: reactors)
      try await database.warmUp(by: .now.advanced(by: .seconds(20)))
      try await body(database, reactors)
      await database.drain(by: .now.advanced(by: .seconds(5)))
    }
  }

  /// Who runs on a reactor is lent what lives there; who runs elsewhere gets whatever is idle.
  @Test func aReactorIsLentItsOwnConnections() async throws {
    try await withTwoReactors(connections: 4) { database, reactors in
      for _ in 0..<20 {
        for reactor in reactors {
          try await withTaskExecutorPreference(reactor) {
            #expect(database.reactor === reactor)
            try await database.withConnection { #expect($0.reactor === reactor) }
            _ = try await database.read("SELECT 1")
          }
        }
      }
      #expect(database.reactor !== database.reactor, "callers from elsewhere are sent to each in turn")
      // The third user on a reactor with two connections gets one of the other's.
      let reactor = reactors[0]
      try await withTaskExecutorPreference(reactor) {
        try await database.withConnection { one in
          try await database.withConnection { two in
            try await database.withConnection { three in
              #expect(one.reactor === reactor && two.reactor === reactor && three.reactor !== reactor)
            }
          }
        }
      }
    }
  }

  /// However crowded a shared connection is, its readers leave those of other reactors alone, unless they have none.
  @Test func readersLeaveConnectionsOfOtherReactorsAlone() async throws {
    try await withTwoReactors(connections: 2) { database, reactors in
      var servers: [Set<Int>] = []
      for reactor in reactors {
        servers.append(
          try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<10 {
              group.addTask(executorPreference: reactor) {
                try await database.read("SELECT pg_backend_pid() FROM pg_sleep(0.005)").decode(Int.self).first ?? -1
              }
            }
            return try await group.reduce(into: []) { $0.insert($1) }
          })
      }
      #expect(servers.map(\.count) == [1, 1], "ten readers crowd one connection")
      #expect(servers[0] != servers[1])
    }
  }

  @Test func exhaustionEndsByTheDeadlineAndSaysWhoHoldsTheConnections() async throws {
    try await DatabaseTrial.run({ settings, _ in settings.max = 2 }) { trial in
      let database = trial.database
      let error: PoolError? = try await database.withConnection { _ in
        try await database.withConnection { _ in
          let task = Task.detached {
            await timed("refused at its deadline of 300 ms after") {
              await failure { try await database.execute("SELECT 1", deadline: .now.advanced(by: .milliseconds(300))) }
            }
          }
          return await task.value as? PoolError
        }
      }
      #expect(error?.code == .timedOut)
      #expect(error?.holders.count == 2)
      #expect(error?.message.contains("2 of 2 connections in use") == true)
      #expect(trial.events.contains { if case .pressure(.exhausted, _) = $0 { true } else { false } })
      try await trial.expectWhole()
    }
  }

  @Test func slowStatementsEndByTheirDeadline() async throws {
    try await DatabaseTrial.run { trial in
      let database = trial.database
      let error = await timed("a statement of 60 s with a deadline of 200 ms ended after") {
        await failure {
          try await database.execute("SELECT pg_sleep(60)", deadline: .now.advanced(by: .milliseconds(200)))
        }
      }
      #expect((error as? PostgresError)?.code == .timedOut)
      try await trial.expectWhole()
    }
  }

  @Test func nestedUsesAreRefusedAtOnce() async throws {
    try await DatabaseTrial.run({ settings, _ in settings.max = 4 }) { trial in
      let database = trial.database
      let errors = await withTaskGroup(of: (any Error)?.self) { group in
        for _ in 0..<8 {
          group.addTask {
            await failure {
              try await database.withConnection { connection in
                _ = try await connection.execute("SELECT pg_sleep(0.05)")
                try await database.withConnection { inner in _ = try await inner.execute("SELECT 1") }
              }
            }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      let refused = errors.compactMap { $0 as? PoolError }
      #expect(refused.allSatisfy { $0.code == .nestedAcquire })
      #expect(!refused.isEmpty)
      #expect(refused.allSatisfy { $0.message.contains("holding the one taken at") })
      try await trial.expectWhole()
    }
  }

  /// Rows that are gone through slowly hold their connection; whoever asks for another meanwhile is told so at once.
  @Test func aQueryWithinAStreamIsRefusedWhereThereIsOneConnection() async throws {
    try await DatabaseTrial.run({ settings, _ in (settings.min, settings.max) = (1, 1) }) { trial in
      let database = trial.database
      let error = await failure {
        try await database.withConnection { connection in
          for try await _ in connection.stream("SELECT generate_series(1, 1000)") {
            _ = try await database.execute("SELECT 1")
          }
        }
      }
      #expect((error as? PoolError)?.code == .nestedAcquire, "\(error.map { "\($0)" } ?? "")")
      try await trial.expectWhole()
    }
  }

  @Test func aHopelessAddressIsToldAtOnceWithoutThePassword() async throws {
    let reactor = try Reactor(name: "test")
    defer { reactor.shutdown() }
    try await DatabaseTrial.run { trial in
      let folder = trial.server.socketFolder
      let url = "postgresql:///nowhere?host=\(folder)&user=postgres&password=hunter2"
      let database = try PostgresDatabase(
        name: "lost", options: try PostgresOptions(parsing: url), reactors: [reactor])
      let error = await failure { try await database.warmUp(by: .now.advanced(by: .seconds(30))) } as? PoolError
      #expect(error?.code == .unavailable)
      let text = "\(error?.description ?? "")"
      #expect(text.contains("nowhere") && text.contains(folder) && text.contains("postgres"), "\(text)")
      #expect(!text.contains("hunter2"))
      await database.drain(by: .now)
    }
  }

  @Test func notificationsArriveAndALostConnectionIsAGap() async throws {
    try await DatabaseTrial.run { trial in
      let database = trial.database
      let heard = Heard()
      let begun = Tally()
      let events = database.listen(to: "orders", "Odd \"name\"") { if case .listening = $0 { begun.add() } }
      async let hearing: Void = heard.hear(3, events)
      func listeners() async throws -> [Int32] {
        try await trial.observer.execute(
          "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN \"Odd%' AND state = 'idle'"
        ).decode(Int32.self)
      }
      try await eventually { begun.count == 1 }
      let first = try await listeners()
      #expect(first.count == 1)
      try await database.execute("NOTIFY orders, 'first'")
      // A backend that is told to end before it has passed a notification on ends without doing so.
      try await eventually { heard.all == ["first"] }
      _ = try await trial.observer.execute("SELECT pg_terminate_backend(\(first[0]))")
      // The server listens a moment before the gap is told.
      try await eventually { begun.count == 2 }
      try await database.execute("SELECT pg_notify('Odd \"name\"', 'second')")
      await hearing
      #expect(heard.all == ["first", "gap", "second"])
      try await eventually { try await listeners().isEmpty }
    }
  }
}

/// What came from a database, as it comes.
private final class Heard: Sendable {
  private let texts = Mutex<[String]>([])

  var all: [String] { texts.withLock { $0 } }

  /// Listens until so much has come.
  func hear(_ count: Int, _ events: PostgresListening) async {
    for await event in events {
      let text =
        switch event {
        case .notification(let one): one.payload
        case .gap: "gap"
        }
      if texts.withLock({
        $0.append(text); return $0.count == count
      }) {
        break
      }
    }
  }
}
