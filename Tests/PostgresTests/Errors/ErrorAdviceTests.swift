import Glibc
import MainstayKernel
import MainstayPostgres
import MainstayResilience
import MainstayTesting
import Synchronization
import Testing

/// What errors of a real server say about trying again.
@Suite(.timeLimit(.minutes(3))) struct ErrorAdviceTests {
  /// Enough attempts, and no waits.
  private let retry = Retry(
    RetryStrategy("test", attempts: 5, backoff: .none), timer: DeadlineTimer(clock: ManualClock()))

  @Test(arguments: [
    ("40001", CallAdvice.withoutEffect, CallVerdict.success),  // serialization failure
    ("40P01", .withoutEffect, .success),  // deadlock
    ("40000", .withoutEffect, .success),  // rolled back
    ("40002", .permanent, .success),  // rolled back because of a constraint
    ("40003", .transient, .success),  // nobody knows whether it was done
    ("55P03", .withoutEffect, .success),  // a lock could not be had in time
    ("55006", .withoutEffect, .success),  // the object is in use
    ("53300", .withoutEffect, .failure),  // too many connections
    ("53200", .withoutEffect, .failure),  // out of memory
    ("57P01", .withoutEffect, .failure),  // shutdown
    ("57P02", .withoutEffect, .failure),  // another session crashed
    ("57P03", .withoutEffect, .failure),  // it starts
    ("08006", .withoutEffect, .failure),  // connection failure, as poolers say it
    ("58030", .withoutEffect, .failure),  // a disk failed
    ("25006", .withoutEffect, .neutral),  // a standby takes no writes
    ("26000", .withoutEffect, .success),  // the prepared statement is gone
    ("57014", .permanent, .failure),  // statement_timeout
    ("57P04", .permanent, .failure),  // the database was dropped
    ("XX000", .permanent, .failure),  // a fault of the server
    ("23505", .permanent, .success),  // the key exists
    ("42601", .permanent, .success),  // a syntax error
    ("22012", .permanent, .success),  // division by zero
    ("28P01", .permanent, .success),  // the password is wrong
    ("P0001", .permanent, .success),  // raised by a function
  ])
  func whatTheServerRefused(_ state: String, _ advice: CallAdvice, _ verdict: CallVerdict) throws {
    let raise = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '\(state)'; END $$"
    let connection = try BlockingConnection()
    let error = try #require(throws: PostgresError.self) { try connection.query(PostgresQuery(unsafe: raise)) }
    #expect(error.state == SQLState(state))
    #expect(error.callAdvice == advice && error.callVerdict == verdict)
  }

  @Test(arguments: [
    (PostgresError(.connect, "connection refused"), CallAdvice.withoutEffect, CallVerdict.failure),
    (PostgresError(.connect, "password authentication failed for user \"a\""), .permanent, .failure),
    (PostgresError(.connectionLost, "gone"), .withoutEffect, .failure),
    (PostgresError(.connectionLost, "gone").indeterminate(), .transient, .failure),
    (PostgresError(.protocolViolation, "odd").indeterminate(), .transient, .failure),
    (PostgresError(.timedOut, "late"), .withoutEffect, .failure),
    (PostgresError(.timedOut, "late").indeterminate(), .transient, .failure),
    (PostgresError(.notRun, "another failed"), .withoutEffect, .neutral),
    (PostgresError(.cancelled, "given up").indeterminate(), .permanent, .neutral),
    (PostgresError(.closed, "closed"), .permanent, .neutral),
    (PostgresError(.encoding, "U+0000"), .permanent, .neutral),
    (PostgresError(.decoding, "no number"), .permanent, .success),
    (PostgresError(.options, "no such keyword"), .permanent, .neutral),
    (PostgresError(.misuse, "no"), .permanent, .neutral),
  ])
  func whatHappenedOnTheWay(_ error: PostgresError, _ advice: CallAdvice, _ verdict: CallVerdict) {
    #expect(error.callAdvice == advice && error.callVerdict == verdict)
  }

  @Test func aTransactionThatWasInTheWayOfAnotherIsRepeatedWhateverItDoes() async throws {
    try await withBench { bench in
      let (one, two) = (try await bench.connect(), try await bench.connect())
      let table = try await ClientTools.table(one, "id int PRIMARY KEY, balance int")
      _ = try await one.execute("INSERT INTO \(unsafe: table) VALUES (1, 100)")
      let attempts = Counter()
      let call = RetryCall("withdraw", idempotency: .nonIdempotent)
      let outcome = await retry.outcome(of: call) {
        try await one.transaction(.repeatableRead, retry: .never) { transaction in
          _ = try await transaction.execute("SELECT balance FROM \(unsafe: table)")
          if attempts.add(attempts.value) == 0 {
            _ = try await two.execute("UPDATE \(unsafe: table) SET balance = balance - 10")
          }
          _ = try await transaction.execute("UPDATE \(unsafe: table) SET balance = balance - 1")
        }
      }
      #expect(outcome.attempts == 2 && outcome.stop == nil)
      #expect(try await two.execute("SELECT balance FROM \(unsafe: table)").decode(Int.self) == [89])
    }
  }

  /// What a session says as its last word is an answer; a connection that breaks without a word leaves it open whether the
  /// statement was carried out.
  @Test(arguments: [true, false])
  func aWriteIsRepeatedIfTheServerSaysThatItWasNotDone(_ saysGoodbye: Bool) async throws {
    let server = try PostgresServer()
    defer { server.stop() }
    try await withBench(server) { bench in
      let other = try await bench.connect()
      let running = Mutex<PostgresConnection?>(nil)
      let task = Task {
        await retry.outcome(of: RetryCall("sleep", idempotency: .nonIdempotent)) {
          let connection = try await bench.connect()
          if CallContext.current?.attempt == 2 { return }
          running.withLock { $0 = connection }
          _ = try await connection.execute("SELECT pg_sleep(1000)")
        }
      }
      try await eventually { running.withLock { $0?.condition == .busy } }
      let process = try #require(running.withLock { $0?.backendProcessID })
      if saysGoodbye {
        _ = try await other.execute("SELECT pg_terminate_backend(\(process))")
      } else {
        #expect(kill(process, SIGKILL) == 0)
      }
      let outcome = await task.value
      #expect(outcome.attempts == (saysGoodbye ? 2 : 1) && outcome.stop == (saysGoodbye ? nil : .nonIdempotent))
      guard case .failure(let error) = outcome.result else { return }
      #expect((error as? PostgresError)?.callAdvice == .transient)
    }
  }

  @Test func aServerThatIsFullOrGoneIsTriedAgainAndAMissingDatabaseIsNot() async throws {
    let server = try PostgresServer(configuration: ["max_connections = 4", "superuser_reserved_connections = 0"])
    defer { server.stop() }
    try await withBench(server) { bench in
      var held: [PostgresConnection] = []
      var refusal: PostgresError?
      while refusal == nil, held.count < 10 {
        do { held.append(try await bench.connect()) } catch { refusal = error as? PostgresError }
      }
      #expect(refusal?.code == .connect && refusal?.callAdvice == .withoutEffect && refusal?.callVerdict == .failure)
      held.forEach { $0.close() }
      let elsewhere = try PostgresOptions(parsing: "host=\(server.folder) dbname=nowhere user=postgres")
      try await eventually {
        let error = await failure { try await PostgresConnection.connect(elsewhere, on: bench.reactor) }
        return error?.callAdvice == .permanent
      }
      let postmaster = try #require(server.processID)
      #expect(kill(postmaster, SIGKILL) == 0)
      let gone = await failure { try await bench.connect() }
      #expect(gone?.callAdvice == .withoutEffect && gone?.callVerdict == .failure)
    }
  }
}
