import Glibc
import MainstayReactor
import MainstayTesting
import Testing

@testable import MainstayPostgres

@Suite(.timeLimit(.minutes(3))) struct FailureTests {
  @Test func anIdleConnectionNoticesItsEndAtOnce() async throws {
    try await withBench { bench in
      let ended = Signal<PostgresError>()
      let connection = try await bench.connect(.init(), .init(onClosed: { ended.send($0) }))
      let other = try await bench.connect()
      _ = try await other.execute("SELECT pg_terminate_backend(\(connection.backendProcessID))")
      let reason = await ended.wait()
      #expect(reason.state == .adminShutdown)
      #expect(connection.condition == .closed)
      #expect(await failure { try await connection.execute("SELECT 1") }?.state == .adminShutdown)
      #expect(await failure { try await connection.reset() } != nil)
      connection.close()
    }
  }

  @Test func aBusyConnectionFailsWhatIsUnderWay() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let other = try await bench.connect()
      let busy = Task { await failure { try await connection.execute("SELECT pg_sleep(1000)") } }
      try await eventually { connection.condition == .busy }
      let behind = Task { await failure { try await connection.execute("SELECT 2") } }
      try await eventually { connection.session.locked { connection.session.inFlight.count } == 2 }
      _ = try await other.execute("SELECT pg_terminate_backend(\(connection.backendProcessID))")
      #expect(await busy.value?.state == .adminShutdown)
      #expect(await busy.value?.code == .connectionLost)
      #expect(await behind.value?.code == .connectionLost)
      #expect(await behind.value?.effect != PostgresError.Effect.none)
    }
  }

  /// The backend is stopped: the request to cancel arrives and changes nothing.
  @Test func aStoppedBackendCostsNoMoreThanTheDeadline() async throws {
    try await withBench { bench in
      var settings = PostgresConnectionSettings()
      settings.cancelGrace = .milliseconds(100)
      let ended = Signal<PostgresError>()
      let connection = try await bench.connect(settings, .init(onClosed: { ended.send($0) }))
      #expect(kill(connection.backendProcessID, SIGSTOP) == 0)
      defer { kill(connection.backendProcessID, SIGCONT) }
      let error = await failure {
        try await connection.execute("SELECT 1", deadline: .now.advanced(by: .milliseconds(50)))
      }
      #expect(error?.code == .timedOut)
      #expect(await ended.wait().code == .connectionLost)
      #expect(connection.condition == .closed)
    }
  }

  @Test func aKilledServerEndsEverythingAndComesBack() async throws {
    let server = try PostgresServer()
    defer { server.stop() }
    try await withBench(server) { bench in
      let ended = Signal<PostgresError>()
      let idle = try await bench.connect(.init(), .init(onClosed: { ended.send($0) }))
      let connection = try await bench.connect()
      let busy = Task { await failure { try await connection.execute("SELECT pg_sleep(1000)") } }
      try await eventually { connection.condition == .busy }
      // A killed backend makes the postmaster end all others and start anew.
      #expect(kill(connection.backendProcessID, SIGKILL) == 0)
      #expect(await busy.value?.code == .connectionLost)
      #expect(await busy.value?.isIndeterminate == true)
      _ = await ended.wait()
      #expect(idle.condition == .closed)
      var again: PostgresConnection?
      try await eventually {
        again = try? await bench.connect()
        return again != nil
      }
      #expect(try await again?.execute("SELECT 1").count == 1)
      let postmaster = try #require(server.processID)
      let gone = Signal<PostgresError>()
      let last = try await bench.connect(.init(), .init(onClosed: { gone.send($0) }))
      #expect(kill(postmaster, SIGKILL) == 0)
      // A session whose postmaster is gone may have ended by itself already.
      kill(last.backendProcessID, SIGKILL)
      #expect(await gone.wait().code == .connectionLost)
      // The postmaster itself may take a moment longer.
      try await eventually {
        do {
          try await bench.connect().close()
          return false
        } catch {
          return (error as? PostgresError)?.code == .connect
        }
      }
    }
  }

  /// The server goes in the same tick in which a read waits for its Sync and a statement wants to go before it: sending the
  /// Sync shows that the connection is lost, and whoever comes after it must hear of that too.
  @Test func whoFindsTheConnectionLostWhileSendingIsNotForgotten() async throws {
    let server = try PostgresServer()
    defer { server.stop() }
    try await withBench(server) { bench in
      let connection = try await bench.connect()
      _ = try await connection.execute("SELECT 1")
      let errors = try await withTaskExecutorPreference(bench.reactor) {
        try await withThrowingTaskGroup(of: PostgresError?.self) { group in
          // The reactor's own thread is held up until the session is gone, so that it cannot notice by itself.
          kill(connection.backendProcessID, SIGKILL)
          var tries = 0
          while kill(connection.backendProcessID, 0) == 0, tries < 30_000 {
            usleep(1_000)
            tries += 1
          }
          group.addTask { await failure { try await connection.read("SELECT 1") } }
          group.addTask { await failure { try await connection.execute("SELECT 1") } }
          group.addTask { await failure { try await connection.execute("SELECT 1") } }
          return try await group.reduce(into: [PostgresError?]()) { $0.append($1) }
        }
      }
      #expect(errors.count == 3 && errors.allSatisfy { $0?.code == .connectionLost }, "\(errors)")
    }
  }

  @Test func closingFailsWhatIsUnderWay() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let busy = Task { await failure { try await connection.execute("SELECT pg_sleep(1000)") }?.code }
      try await eventually { connection.condition == .busy }
      connection.close()
      #expect(await busy.value == .closed)
      #expect(await failure { try await connection.execute("SELECT 1") }?.code == .closed)
    }
  }

  @Test func nobodyHoldsItAnyMore() async throws {
    try await withBench { bench in
      let ended = Signal<PostgresError>()
      var connection: PostgresConnection? = try await bench.connect(.init(), .init(onClosed: { ended.send($0) }))
      weak let session = connection?.session
      connection = nil
      #expect(await ended.wait().code == .closed)
      try await bench.reactor.run {}
      #expect(session == nil)
    }
  }

  @Test func theReactorEndsFirst() async throws {
    let reactor = try Reactor()
    let server = try PostgresServer.shared.get()
    let options = try PostgresOptions(parsing: server.connectionString)
    let connection = try await PostgresConnection.connect(options, on: reactor)
    let busy = Task { await failure { try await connection.execute("SELECT pg_sleep(1000)") }?.code }
    try await eventually { connection.condition == .busy }
    reactor.shutdown()
    #expect(await busy.value == .closed)
    #expect(await failure { try await connection.execute("SELECT 1") }?.code == .closed)
    let late = await failure { try await PostgresConnection.connect(options, on: reactor) }
    #expect(late != nil)
  }
}
