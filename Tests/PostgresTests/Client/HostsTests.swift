import MainstayDevServers
import MainstayPooling
import MainstayReactor
import MainstayTesting
import Testing

@testable import MainstayPostgres

/// Several servers in one connection string, and several addresses of one name, of which some are dead.
@Suite(.timeLimit(.minutes(2))) struct HostsTests {
  private func database(_ hosts: String, _ reactor: Reactor, connectTimeout: Duration = .ample) throws
    -> PostgresDatabase
  {
    var settings = PoolSettings()
    (settings.min, settings.max, settings.connectTimeout) = (1, 2, connectTimeout)
    return try PostgresDatabase(
      name: "hosts", options: try PostgresOptions(parsing: "\(hosts) user=postgres dbname=postgres sslmode=disable"),
      pool: settings, reactors: [reactor])
  }

  /// Nobody listens at the first, nobody answers at the second.
  @Test func theNextServerIsTaken() async throws {
    try await withBench { bench in
      let nobody = try Listener(backlog: nil)
      let hole = try Listener(backlog: 5)
      let hosts = "host=/nowhere,127.0.0.1,127.0.0.1,\(bench.server.folder)"
      let database = try database(
        "\(hosts) port=5432,\(nobody.port),\(hole.port),\(bench.server.port)", bench.reactor,
        connectTimeout: .seconds(4))
      #expect(try await database.query("SELECT 1", as: Int.self) == [1])
      #expect(database.statistics.connectFailures == 0)
      await database.drain(by: .now.advanced(by: .ample))
    }
  }

  @Test func whereNoneAnswersEachIsNamed() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let nobody = try Listener(backlog: nil)
    let hole = try Listener(backlog: 5)
    let database = try database(
      "host=/nowhere,127.0.0.1,127.0.0.1,name.invalid port=5432,\(nobody.port),\(hole.port),5432 password=hunter2",
      reactor, connectTimeout: .seconds(4))
    database.start()
    try await eventually { database.lastConnectError != nil }
    let error = database.lastConnectError as? PostgresError
    let text = error?.message ?? ""
    #expect(text.hasPrefix("none of 4 servers can be used: "), "\(text)")
    #expect(text.contains("/nowhere:5432") && text.contains("No such file or directory"), "\(text)")
    #expect(text.contains("127.0.0.1:\(nobody.port)") && text.contains("refused"), "\(text)")
    #expect(text.contains("127.0.0.1:\(hole.port)") && text.contains("before the deadline"), "\(text)")
    #expect(text.contains("name.invalid:5432") && text.contains("was not found"), "\(text)")
    #expect(!text.contains("hunter2"))
    #expect(error.map { PostgresConnectFailure.isHopeless($0) } == false)
    await database.drain(by: .now)
  }

  /// Trying again is hopeless only where it is so at every server.
  @Test func oneServerThatMayComeBackIsHope() {
    let wrong = PostgresError(.connect, "FATAL: password authentication failed")
    let dead = PostgresError(.connect, "Connection refused")
    #expect(PostgresConnectFailure.isHopeless(PostgresConnectFailure.all([wrong, wrong])))
    #expect(!PostgresConnectFailure.isHopeless(PostgresConnectFailure.all([dead, wrong])))
    #expect(!PostgresConnectFailure.isHopeless(PostgresConnectFailure.all([wrong, dead])))
  }

  // MARK: Addresses

  private func names(_ addresses: [String]) throws -> NameLookup {
    let addresses = try addresses.map { try #require(HostAddress($0)) }
    return NameLookup(threads: BlockingThreads(name: "test", threads: 1, queueLimit: 1)) { host in
      host == "db.test" ? .success(addresses) : .failure(NameLookupError(.notFound, "the host '\(host)' was not found"))
    }
  }

  private func connect(
    _ options: PostgresOptions, _ names: NameLookup, _ reactor: Reactor, within limit: Duration = .ample
  ) async throws -> PostgresConnection {
    try await PostgresConnection.connect(
      options, to: nil, settings: PostgresConnectionSettings(), handlers: PostgresConnectionHandlers(), on: reactor,
      deadline: .now.advanced(by: limit), names: names)
  }

  /// Every address of 127.0.0.0/8 is this machine's, and the server listens at 127.0.0.1 only.
  @Test func theNextAddressIsTaken() async throws {
    var made = MainstayDevServers.PostgresServer.Options()
    made.port = .any
    try await withDevServer(try await MainstayDevServers.PostgresServer.start(made)) { server in
      let reactor = try Reactor()
      defer { reactor.shutdown() }
      let port = try #require(server.port)
      let options = try PostgresOptions(
        parsing: "host=db.test port=\(port) user=postgres dbname=postgres password=\(server.password ?? "")")
      let connection = try await connect(options, try names(["127.0.0.2", "::1", "127.0.0.1"]), reactor)
      #expect(try await connection.execute("SELECT 1").count == 1)
      let error = await failure { try await connect(options, try names(["127.0.0.2", "127.0.0.3"]), reactor) }
      #expect(error?.code == .connect)
      #expect(error?.message.contains("127.0.0.2") == true && error?.message.contains("127.0.0.3") == true)
    }
  }

  @Test func anAddressThatDoesNotAnswerCostsItsShareOnly() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let hole = try Listener(backlog: 5)
    let options = try PostgresOptions(parsing: "host=db.test port=\(hole.port) user=x sslmode=disable")
    let names = try names(["127.0.0.1", "127.0.0.2"])
    let error = await failure { try await connect(options, names, reactor, within: .milliseconds(400)) }
    #expect(error?.message.contains("no answer from db.test:\(hole.port) (127.0.0.1) in time") == true)
    #expect(error?.message.contains("127.0.0.2") == true, "\(error)")
    let unknown = try PostgresOptions(parsing: "host=other.test user=x")
    let notFound = await failure { try await connect(unknown, names, reactor) }
    #expect(notFound?.code == .connect)
    #expect(notFound?.message == "the host 'other.test' was not found")
  }

  /// The resolver hangs: the deadline holds all the same, a cancellation too, and whoever comes when all threads hang is
  /// told so.
  @Test func aResolverThatHangsCostsNoMoreThanTheDeadline() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let gate = Gate()
    defer { gate.open() }
    func hangingNames() -> NameLookup {
      NameLookup(threads: BlockingThreads(name: "test", threads: 1, queueLimit: 1)) { _ in
        gate.pass()
        return .failure(NameLookupError(.notFound, "too late"))
      }
    }
    let options = try PostgresOptions(parsing: "host=db.test user=x")
    let one = hangingNames()
    let task = Task { await failure { try await connect(options, one, reactor) }?.code }
    try await reactor.run {}
    task.cancel()
    #expect(await task.value == .cancelled)
    // One hangs, one waits, one is too many.
    let names = hangingNames()
    var last: PostgresError?
    while last?.code != .connect {
      last = await failure { try await connect(options, names, reactor, within: .milliseconds(50)) }
      #expect(last?.code == .timedOut || last?.code == .connect)
    }
    #expect(last?.message.contains("too many lookups") == true)
  }
}
