import MainstayDevServers
import MainstayReactor
import MainstayTesting
import Testing

@testable import MainstayPostgres

/// Results that would not end: without a limit each of them takes all of the machine's memory.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ResultSizeTests {
  private static let endless: PostgresQuery = "SELECT generate_series(1, 1000000000), repeat('x', 1000)"
  private static let endlessLargeRows: PostgresQuery = "SELECT generate_series(1, 1000000), repeat('x', 1000000)"

  private var settings: PostgresConnectionSettings {
    var settings = PostgresConnectionSettings.patient
    settings.maxResultSize = 8 << 20
    return settings
  }

  private func expectUsable(_ connection: PostgresConnection) async throws {
    #expect(try await connection.execute("SELECT 1").decode(Int32.self, row: 0, column: 0) == 1)
  }

  @Test(arguments: [endless, endlessLargeRows], [false, true])
  func aStatementIsStopped(_ query: PostgresQuery, overTCP: Bool) async throws {
    try await withReach(overTCP) { options, reactor in
      let connection = try await PostgresConnection.connect(options, settings: settings, on: reactor)
      for _ in 0..<2 {
        let error = await failure { try await connection.execute(query) }
        #expect(error?.code == .resultTooLarge && error?.message.contains("8388608 bytes") == true)
        let most = connection.session.locked { connection.session.growth.bytes }
        #expect(most > 8 << 20, "it was stopped in the midst of it")
        try await expectUsable(connection)
      }
      #expect(await failure { try await connection.read(query) }?.isIndeterminate == false)
      try await expectUsable(connection)
    }
  }

  /// Runs a test over the shared server's socket, or a server's port.
  private func withReach(
    _ overTCP: Bool, _ body: (PostgresOptions, Reactor) async throws -> Void
  ) async throws {
    guard overTCP else { return try await withBench { try await body($0.options, $0.reactor) } }
    var options = MainstayDevServers.PostgresServer.Options()
    options.port = .any
    try await withDevServer(try await MainstayDevServers.PostgresServer.start(options)) { server in
      let reactor = try Reactor()
      defer { reactor.shutdown() }
      try await body(try PostgresOptions(parsing: try #require(server.portURL)), reactor)
    }
  }

  @Test func resultsOfOneCallCountTogether() async throws {
    try await withBench { bench in
      let connection = try await bench.connect(settings)
      let large: PostgresQuery = "SELECT repeat('x', 1000000) FROM generate_series(1, 5)"
      #expect(try await connection.batch([large]).count == 1)
      #expect(await failure { try await connection.batch([large, "SELECT 1", large]) }?.code == .resultTooLarge)
      try await expectUsable(connection)
      let script = "\(large.sql); SELECT 1; \(large.sql)"
      #expect(await failure { try await connection.script(script) }?.code == .resultTooLarge)
      try await expectUsable(connection)
      #expect(await failure { try await connection.script(Self.endless.sql) }?.code == .resultTooLarge)
      try await expectUsable(connection)
    }
  }

  @Test func aCompleteResultIsRefusedToo() async throws {
    try await withBench { bench in
      let connection = try await bench.connect(settings)
      // Less than the limit on the way, more in memory.
      let narrow: PostgresQuery = "SELECT NULL, NULL, NULL, NULL FROM generate_series(1, 200000)"
      let error = await failure { try await connection.execute(narrow) }
      #expect(error?.code == .resultTooLarge)
      #expect(error?.isIndeterminate == true, "it may have been a function that writes")
      try await expectUsable(connection)
    }
  }

  @Test func streamsHaveNoEnd() async throws {
    try await withBench { bench in
      let connection = try await bench.connect(settings)
      let rows = 30_000
      var count = 0
      let query: PostgresQuery = "SELECT repeat('x', 1000) FROM generate_series(1, \(Int32(rows)))"
      for try await _ in connection.stream(query) { count += 1 }
      #expect(count == rows)
      let sql = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, \(rows))) TO STDOUT"
      for try await _ in connection.copyOut(sql) { count += 1 }
      #expect(count == 2 * rows)
      let error = await failure {
        for try await _ in connection.stream("SELECT repeat('x', 100000000)") {}
      }
      #expect(error?.code == .resultTooLarge, "a row is held as a whole")
      try await expectUsable(connection)
    }
  }

  /// Whoever waits for an answer on the same connection is told that it was closed, and may ask again.
  @Test func neighboursLoseTheConnectionRatherThanTheirStatement() async throws {
    try await withBench { bench in
      let connection = try await bench.connect(settings)
      // Begins late enough for the other to stand behind it.
      let query = PostgresQuery(unsafe: "\(Self.endless.sql) FROM pg_sleep(0.3)", parameters: PostgresParameters())
      let large = Task { await failure { try await connection.execute(query) }?.code }
      try await eventually { connection.condition == .busy }
      let behind = Task { await failure { try await connection.execute("SELECT 2") } }
      #expect(await large.value == .resultTooLarge)
      let error = await behind.value
      #expect(error?.code == .connectionLost && error?.message.contains("too large") == true)
    }
  }

  @Test func withoutALimitEverythingIsTaken() async throws {
    try await withBench { bench in
      var settings = settings
      settings.maxResultSize = nil
      let connection = try await bench.connect(settings)
      let result = try await connection.execute("SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
      #expect(result.count == 20_000)
    }
  }
}
