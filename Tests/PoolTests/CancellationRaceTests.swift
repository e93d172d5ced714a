import MainstayDevServers
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import MainstayTesting
import Testing

/// Thousands of statements that are given up at every point of their way, among others that are not, on few connections. A
/// request to cancel names no statement, so one that is late would hit whoever uses the connection next.
@Suite(.serialized, .timeLimit(.minutes(3))) struct CancellationRaceTests {
  @Test func whoIsNotCancelledNeverNotices() async throws {
    try await DatabaseTrial.run({ settings, connection in
      (settings.min, settings.max) = (16, 16)
      // However loaded the machine is: what is closed below was closed wrongly.
      (connection.cancelGrace, connection.statementTimeout) = (.seconds(60), .seconds(60))
    }) { trial in
      let (rounds, workers) = (10_000, 24)
      let score = RaceScore()
      let seconds = await ContinuousClock().measure {
        await withTaskGroup(of: Void.self) { group in
          for worker in 0..<workers {
            group.addTask(executorPreference: worker % 2 == 0 ? trial.database.reactor : nil) {
              var race = Race(database: trial.database, score: score, seed: UInt64(worker))
              for _ in 0..<(rounds / workers + 1) { await race.round() }
            }
          }
        }
      }
      let counts = score.counts
      #expect(score.faults.isEmpty, "\(score.faults.prefix(10))")
      #expect(counts.rounds >= rounds)
      #expect(counts.givenUp > rounds / 10 && counts.finished > rounds / 20, "otherwise there was no race")
      try await trial.expectWhole()
      let closed = trial.database.statistics.closed
      #expect((closed[.broken] ?? 0) + (closed[.died] ?? 0) == 0, "no connection is thrown away: \(closed)")
      try await expectEveryPermit(trial.database)
      let stopped = try await statementsStopped(trial)
      print(
        "cancellation race: \(counts.rounds) rounds in \(seconds): \(counts.givenUp) calls given up, \(counts.finished) too "
          + "late; the server stopped \(stopped) statements")
      #expect(stopped > rounds / 50, "requests to cancel were under way all the time")
    }
  }

  /// Every session tells its figures at its end.
  private func statementsStopped(_ trial: DatabaseTrial) async throws -> Int {
    await trial.database.drain(by: .now.advanced(by: .seconds(5)))
    try await eventually { try await trial.sessions() == 0 }
    let query: PostgresQuery = "SELECT xact_rollback::int FROM pg_stat_database WHERE datname = current_database()"
    return try await trial.observer.execute(query).decode(Int.self).first ?? 0
  }

  /// All connections can be had at the same time, so none was lost on the way.
  private func expectEveryPermit(_ database: PostgresDatabase) async throws {
    let inside = Tally()
    let most = database.settings.max
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<most {
        group.addTask {
          try await database.withConnection(deadline: .now.advanced(by: .seconds(30))) { connection in
            inside.add()
            try await eventually { inside.count == most }
            #expect(try await connection.execute("SELECT 5").count == 1)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// The postmaster is frozen, so the request to cancel is on its way when the statement, which waited for a lock, has long
  /// ended by itself.
  @Test func aLateCancellationHitsNobody() async throws {
    try await DatabaseTrial.run({ settings, connection in
      (settings.min, settings.max) = (1, 1)
      connection.cancelGrace = .seconds(60)
    }) { trial in
      let database = trial.database
      for round in 0..<20 {
        try await trial.observer.execute("SELECT pg_advisory_lock(1)")
        try trial.server.pause()
        let victim = await failure {
          try await database.execute(
            "SELECT pg_advisory_lock_shared(1), pg_advisory_unlock_shared(1)",
            deadline: .now.advanced(by: .milliseconds(10)))
        }
        #expect((victim as? PostgresError)?.code == .timedOut)
        let innocent = Task { try await database.query("SELECT \(round)::int FROM pg_sleep(0.02)", as: Int.self) }
        try await trial.observer.execute("SELECT pg_advisory_unlock(1)")
        try await eventually { try await trial.sessions("active") == 0 }
        #expect(database.statistics.total == 1)
        try trial.server.resume()
        #expect(try await innocent.value == [round])
      }
      try await trial.expectWhole()
    }
  }
}

/// One worker's rounds: each a statement that tells whose it is, given up somewhere or nowhere.
private struct Race {
  let database: PostgresDatabase
  let score: RaceScore
  private var random: SeededGenerator
  private var number: Int

  init(database: PostgresDatabase, score: RaceScore, seed: UInt64) {
    self.database = database
    self.score = score
    random = SeededGenerator(seed: seed)
    number = Int(seed) * 1_000_000
  }

  mutating func round() async {
    number += 1
    score.add { $0.rounds += 1 }
    let isInnocent = random.next() % 3 == 0
    let form = Form.allCases.randomElement(using: &random) ?? .statement
    // Deadlines and cancelled tasks are looked at every 10 ms, so answers come before, after, and at that very moment.
    let length = Double.random(in: 0...0.025, using: &random)
    let patience = Duration.microseconds(Int.random(in: 0...12_000, using: &random))
    let usesDeadline = !isInnocent && random.next() % 4 == 0
    let deadline = usesDeadline ? ContinuousClock.now.advanced(by: patience) : nil
    let (database, number) = (database, number)
    let preference = random.next() % 2 == 0 ? database.reactor : nil
    let call = Task(executorPreference: preference) {
      try await form.run(number, isInnocent ? length / 4 : length, isInnocent, database, deadline)
    }
    if !isInnocent, !usesDeadline { await cancel(call, patience) }
    judge(await call.result, isInnocent)
  }

  private mutating func cancel(_ call: Task<[Int], any Error>, _ patience: Duration) async {
    switch random.next() % 6 {
    case 0: break
    case 1: for _ in 0..<(random.next() % 60) { await Task.yield() }
    // Not a wait for anything: the moment of giving up is what is random. Nobody cancels the worker, so it cannot throw.
    default: try? await Task.sleep(for: patience)
    }
    call.cancel()
  }

  private func judge(_ result: Result<[Int], any Error>, _ isInnocent: Bool) {
    switch result {
    case .success(let rows) where rows.contains { $0 != number }: score.fault("\(number) got \(rows)")
    case .success: if !isInnocent { score.add { $0.finished += 1 } }
    case .failure(let error) where isInnocent: score.fault("an innocent one: \(error)")
    case .failure(let error):
      let isExpected =
        switch error {
        case let error as PostgresError: error.code == .cancelled || error.code == .timedOut
        case let error as PoolError: error.code == .cancelled || error.code == .timedOut
        default: false
        }
      if isExpected { score.add { $0.givenUp += 1 } } else { score.fault("a victim: \(error)") }
    }
  }

  private enum Form: CaseIterable {
    case statement, read, batch, stream

    /// The numbers in what came; all of them must be the caller's.
    func run(
      _ number: Int, _ length: Double, _ isInnocent: Bool, _ database: PostgresDatabase,
      _ deadline: ContinuousClock.Instant?
    ) async throws -> [Int] {
      let query: PostgresQuery = "SELECT \(number)::int FROM pg_sleep(\(length))"
      switch self {
      case .statement: return try await database.execute(query, deadline: deadline).decode(Int.self)
      case .read: return try await database.read(query, deadline: deadline).decode(Int.self)
      case .batch:
        let results = try await database.batch([query, "SELECT \(number)::int"], deadline: deadline)
        return try results.flatMap { try $0.decode(Int.self) }
      case .stream: return try await stream(number, isInnocent, database, deadline)
      }
    }

    /// A reader who leaves early cancels at once: mostly when the server is just done.
    private func stream(
      _ number: Int, _ isInnocent: Bool, _ database: PostgresDatabase, _ deadline: ContinuousClock.Instant?
    ) async throws -> [Int] {
      let count = Int32(isInnocent ? 3 : number % 400)
      let rows: PostgresQuery = "SELECT \(number)::int FROM generate_series(1, \(count))"
      return try await database.withConnection(deadline: deadline) { connection in
        var seen: [Int] = []
        for try await row in connection.stream(rows) {
          seen.append(try row.decode(Int.self))
          if !isInnocent { break }
        }
        return seen
      }
    }
  }
}
