import MainstayReactor
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayPostgres

@Suite(.timeLimit(.minutes(3))) struct CancellationTests {
  @Test func aDeadlineEndsTheStatement() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let error = await failure {
        try await connection.execute("SELECT pg_sleep(1000)", deadline: .now.advanced(by: .milliseconds(20)))
      }
      #expect(error?.code == .timedOut)
      #expect(error?.isIndeterminate == true)
      // The next statement waits for the cancellation to have passed, and is not hit by it.
      #expect(try await connection.execute("SELECT 1").count == 1)
      #expect(connection.condition == .idle)
      let reading = await failure {
        try await connection.read("SELECT pg_sleep(1000)", deadline: .now.advanced(by: .milliseconds(20)))
      }
      #expect(reading?.isIndeterminate == false)
      try await connection.reset(deadline: .now.advanced(by: .ample))
      #expect(connection.condition == .idle)
    }
  }

  @Test func statementTimeoutHoldsWithoutADeadline() async throws {
    try await withBench { bench in
      var settings = PostgresConnectionSettings()
      settings.statementTimeout = .milliseconds(30)
      settings.cancelGrace = .ample
      let connection = try await bench.connect(settings)
      #expect(await failure { try await connection.execute("SELECT pg_sleep(1000)") }?.code == .timedOut)
      #expect(await failure { try await connection.script("SELECT pg_sleep(1000)") }?.code == .timedOut)
      let batch = await failure { try await connection.batch(["SELECT 1", "SELECT pg_sleep(1000)"]) }
      #expect(batch?.code == .timedOut)
      let rows = await failure {
        for try await _ in connection.stream("SELECT pg_sleep(1000)") {}
      }
      #expect(rows?.code == .timedOut)
      let copy = await failure {
        for try await _ in connection.copyOut("COPY (SELECT pg_sleep(1000)) TO STDOUT") {}
      }
      #expect(copy?.code == .timedOut)
      #expect(try await connection.execute("SELECT 1", deadline: .now.advanced(by: .ample)).count == 1)
    }
  }

  /// What waits behind a statement that is given up has its own deadline, and is never sent.
  @Test func whoWaitsHasADeadlineToo() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      try await connection.script("CREATE TEMP TABLE never (a int)")
      let first = Task { await failure { try await connection.script("SELECT pg_sleep(1000)") }?.code }
      try await eventually { connection.condition == .busy }
      for milliseconds in [0, 30] {
        let second = await failure {
          let deadline = MonotonicInstant.now.advanced(by: .milliseconds(milliseconds))
          return try await connection.execute("INSERT INTO never VALUES (1)", deadline: deadline)
        }
        #expect(second?.code == .timedOut)
        #expect(second?.isIndeterminate == false)
      }
      first.cancel()
      #expect(await first.value == .cancelled)
      #expect(try await connection.execute("SELECT 1 FROM never").count == 0)
    }
  }

  /// Tasks are cancelled at random moments: before the statement is sent, while it runs, as its answer comes, while an
  /// earlier cancellation is under way. No other statement is ever hit, and nobody gets another one's answer.
  @Test(arguments: [false, true]) func cancelsNobodyElse(onReactor: Bool) async throws {
    try await withBench { bench in
      var settings = PostgresConnectionSettings()
      settings.cancelGrace = .ample
      let connection = try await bench.connect(settings)
      var random = SystemRandomNumberGenerator()
      var cancelled = 0
      for round in 0..<250 {
        let victim = Task(executorPreference: onReactor ? bench.reactor : nil) {
          let result = try await connection.execute("SELECT \(Int32(round)), pg_sleep(0.002)")
          return try result.decode(Int32.self, row: 0, column: 0)
        }
        for _ in 0..<Int.random(in: 0..<60, using: &random) { await Task.yield() }
        if random.next() % 3 == 0 { try? await bench.reactor.run {} }
        victim.cancel()
        let innocent = try await connection.execute("SELECT \(Int32(-round - 1))")
        #expect(try innocent.decode(Int32.self, row: 0, column: 0) == Int32(-round - 1))
        do {
          #expect(try await victim.value == Int32(round))
        } catch {
          cancelled += 1
          #expect((error as? PostgresError)?.code == .cancelled)
        }
      }
      #expect(cancelled > 0)
      #expect(connection.condition != .closed)
    }
  }

  @Test func cancellingAtEveryKindOfWait() async throws {
    try await withBench { bench in
      var settings = PostgresConnectionSettings()
      settings.cancelGrace = .ample
      let connection = try await bench.connect(settings)
      try await connection.script("CREATE TEMP TABLE cancelled (a text)")
      let waits: [@Sendable () async throws -> Void] = [
        { _ = try await connection.execute("SELECT pg_sleep(1000)") },
        { _ = try await connection.read("SELECT pg_sleep(1000)") },
        { _ = try await connection.batch(["SELECT 1", "SELECT pg_sleep(1000)", "SELECT 2"]) },
        { _ = try await connection.script("SELECT pg_sleep(1000)") },
        { for try await _ in connection.stream("SELECT pg_sleep(1000)") {} },
        { for try await _ in connection.copyOut("COPY (SELECT pg_sleep(1000)) TO STDOUT") {} },
        { _ = try await connection.copyIn("COPY cancelled FROM STDIN", Endless()) },
      ]
      for wait in waits {
        let task = Task { try await wait() }
        try await eventually { connection.condition == .busy }
        task.cancel()
        let error = await failure { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try await connection.execute("SELECT count(*) FROM cancelled").decode(Int.self, row: 0, column: 0) == 0)
      }
      let before = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return await failure { try await connection.execute("SELECT 1") }?.code
      }
      #expect(await before.value == .cancelled)
      #expect(connection.condition == .idle)
    }
  }

  /// Somebody else's statement on the same connection goes on.
  @Test func neighboursAreNotCancelled() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let results = await withTaskGroup(of: Bool.self) { group in
        for number in 0..<20 {
          group.addTask {
            let deadline = MonotonicInstant.now.advanced(by: number % 2 == 0 ? .milliseconds(30) : .ample)
            return (try? await connection.read("SELECT pg_sleep(0.01)", deadline: deadline)) != nil || number % 2 == 0
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(results.allSatisfy { $0 })
      #expect(try await connection.execute("SELECT 1").count == 1)
    }
  }

  @Test func resetRollsBack() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      try await connection.script("BEGIN")
      #expect(connection.condition == .inTransaction)
      try await connection.reset()
      #expect(connection.condition == .idle)
      try await connection.script("BEGIN")
      _ = await failure { try await connection.execute("SELECT 1/0") }
      #expect(connection.condition == .inFailedTransaction)
      try await connection.reset()
      #expect(connection.condition == .idle)
      let busy = Task { await failure { try await connection.execute("SELECT pg_sleep(1000)") }?.code }
      try await eventually { connection.condition == .busy }
      let error = await failure { try await connection.reset(deadline: .now.advanced(by: .milliseconds(30))) }
      #expect(error?.code == .timedOut)
      #expect(connection.condition == .closed)
      #expect(await busy.value == .closed)
    }
  }
}

struct Endless: AsyncSequence, Sendable {
  func makeAsyncIterator() -> Iterator { Iterator() }
  struct Iterator: AsyncIteratorProtocol {
    mutating func next() async -> [UInt8]? {
      await Task.yield()
      return Array("row\n".utf8)
    }
  }
}
