import MainstayDevServers
import MainstayPooling
import MainstayReactor
import Testing

@testable import MainstayPostgres

/// Encrypted connections to a real server, whose certificate an authority of the test has signed for `localhost`.
@Suite(
  .serialized, .timeLimit(.minutes(2)), .enabled(if: CertificateAuthority.isInstalled, "openssl is not installed"))
struct TLSTests {
  @Test func modesDoWhatLibpqSaysTheyDo() async throws {
    try await withTLS { trial in
      for options in ["sslmode=require", "sslmode=verify-ca \(trial.root)"] {
        let connection = try await trial.connect("host=127.0.0.1 \(options)")
        #expect(connection.isEncrypted)
        let seen = try await connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        #expect(try seen.decode(Bool.self) == [true])
        connection.close()
      }
      // The name is looked up, and the certificate is for the name.
      #expect(try await trial.connect("host=localhost sslmode=verify-full \(trial.root)").isEncrypted)
      #expect(try await trial.connect("host=127.0.0.1 sslmode=disable").isEncrypted == false)
      #expect(try await trial.connect("host=127.0.0.1").isEncrypted, "libpq prefers encryption")
    }
  }

  @Test func anotherHostsCertificateIsRefused() async throws {
    try await withTLS { trial in
      let error = await trial.refusal("host=127.0.0.1 sslmode=verify-full \(trial.root)")
      #expect(error?.code == .connect)
      #expect(error?.message.contains("\"127.0.0.1\"") == true)
      #expect(error?.message.contains("Connect by the name that is in the server's certificate") == true, "\(error)")
      #expect(error.map { PostgresConnectFailure.isHopeless($0) } == true)
    }
  }

  @Test func anotherAuthoritysCertificateIsRefused() async throws {
    let stranger = try CertificateAuthority()
    try await withTLS { trial in
      for mode in ["verify-ca", "verify-full", "require"] {
        let error = await trial.refusal("host=localhost sslmode=\(mode) sslrootcert=\(stranger.root)")
        #expect(error?.message.contains("certificate verify failed") == true)
        #expect(error?.message.contains("sslrootcert") == true, "says what to do: \(error)")
        #expect(error.map { PostgresConnectFailure.isHopeless($0) } == true)
      }
      let missing = await trial.refusal("host=localhost sslmode=verify-full sslrootcert=/nowhere/ca.pem")
      #expect(missing?.message.contains("/nowhere/ca.pem") == true)
      #expect(missing?.message.contains("Give the server's authority as `sslrootcert`") == true, "\(missing)")
    }
  }

  @Test func aServerWithoutTLSIsRefusedWhereItIsRequired() async throws {
    try await withTLS(isOn: false) { trial in
      for mode in ["require", "verify-full"] {
        let error = await trial.refusal("host=localhost sslmode=\(mode) \(trial.root)")
        #expect(error?.code == .connect)
        #expect(error?.message.contains("does not support SSL") == true)
        #expect(error?.message.contains("switch SSL on at the server") == true, "\(error)")
        #expect(error?.message.contains(trial.password) == false)
        #expect(error.map { PostgresConnectFailure.isHopeless($0) } == true)
      }
      let plain = try await trial.connect("host=localhost sslmode=prefer")
      #expect(!plain.isEncrypted)
    }
  }

  @Test func aClientIsKnownByItsCertificate() async throws {
    let authority = try CertificateAuthority()
    let rules = ["hostssl all clerk 127.0.0.1/32 cert"]
    try await withTLS(authority, rules: rules) { trial in
      let admin = try await trial.connect("host=localhost")
      try await admin.script("CREATE ROLE clerk LOGIN")
      let clerk = try authority.signFiles("clerk")
      let other = try authority.signFiles("somebody")
      func words(_ files: (certificate: String, key: String)) -> String {
        "host=localhost user=clerk sslmode=verify-full \(trial.root) sslcert=\(files.certificate) sslkey=\(files.key)"
      }
      let connection = try await trial.connect(words(clerk))
      #expect(try await connection.execute("SELECT current_user::text").decode(String.self) == ["clerk"])
      let wrong = await trial.refusal(words(other))
      #expect(wrong?.message.contains("certificate authentication failed") == true, "\(wrong)")
      #expect(wrong.map { PostgresConnectFailure.isHopeless($0) } == true)
      let none = await trial.refusal("host=localhost user=clerk sslmode=require")
      #expect(none?.message.contains("client certificate") == true, "\(none)")
    }
  }

  /// A record may hold more than libpq had room for; what is left over makes no socket readable, and must be read all the
  /// same. Answers of every size and in every order, so that each boundary is met.
  @Test func answersOfEverySizeArrive() async throws {
    try await withTLS { trial in
      let connection = try await trial.connect("host=localhost sslmode=verify-full \(trial.root)")
      var random = SystemRandomNumberGenerator()
      for _ in 0..<40 {
        let sizes = (0..<20).map { _ in Int32.random(in: 0..<40_000, using: &random) }
        let answers = try await connection.batch(sizes.map { "SELECT repeat('x', \($0))" })
        let lengths = try answers.map { Int32(try $0.decode(String.self, row: 0, column: 0).utf8.count) }
        #expect(lengths == sizes)
      }
      var rows = 0
      for try await row in connection.stream("SELECT repeat('y', n) FROM generate_series(1, 3000) AS n") {
        rows += 1
        #expect(try (row[0] as String).utf8.count == rows)
      }
      #expect(rows == 3_000)
      try await connection.script("CREATE TEMP TABLE copied (text text)")
      let chunks = AsyncStream<[UInt8]> { stream in
        for length in 0..<2_000 { stream.yield(Array(repeating: 122, count: length) + [10]) }
        stream.finish()
      }
      #expect(try await connection.copyIn("COPY copied FROM STDIN", chunks) == 2_000)
      let cancelled = await failure {
        try await connection.execute("SELECT pg_sleep(1000)", deadline: .now.advanced(by: .milliseconds(20)))
      }
      #expect(cancelled?.code == .timedOut)
      let sum: PostgresQuery = "SELECT sum(length(text))::int FROM copied"
      #expect(try await connection.execute(sum).decode(Int.self) == [1_999 * 1_000])
    }
  }

  @Test func thePoolsConnectionsAreEncrypted() async throws {
    try await withTLS { trial in
      let database = try PostgresDatabase(
        name: "encrypted", options: try trial.options("host=localhost sslmode=verify-full \(trial.root)"),
        reactors: [trial.reactor])
      try await database.warmUp(by: .now.advanced(by: .ample))
      let seen: PostgresQuery = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
      #expect(try await database.read(seen).decode(Bool.self) == [true])
      await database.drain(by: .now.advanced(by: .ample))
    }
  }
}

/// A server with a port, and how to connect to it.
private struct TLSTrial {
  let reactor: Reactor
  let port: UInt16
  let password: String
  /// `sslrootcert=…` with the authority that has signed the server's certificate.
  let root: String

  func options(_ words: String) throws -> PostgresOptions {
    try PostgresOptions(parsing: "port=\(port) user=postgres dbname=postgres password=\(password) \(words)")
  }

  func connect(_ words: String) async throws -> PostgresConnection {
    var settings = PostgresConnectionSettings()
    (settings.connectTimeout, settings.statementTimeout, settings.cancelGrace) = (.ample, .ample, .ample)
    return try await PostgresConnection.connect(try options(words), settings: settings, on: reactor)
  }

  /// The error as whoever runs the host sees it.
  func refusal(_ words: String) async -> PostgresError? {
    guard let options = try? options(words) else { return nil }
    return await failure { try await connect(words) }.map {
      PostgresConnectFailure($0, options, options.endpoints[0]).error
    }
  }
}

private func withTLS(
  _ known: CertificateAuthority? = nil, isOn: Bool = true, rules: [String] = [],
  _ body: (TLSTrial) async throws -> Void
) async throws {
  let authority = try known ?? CertificateAuthority()
  let certificate = try authority.sign("localhost", hosts: "DNS:localhost")
  var options = MainstayDevServers.PostgresServer.Options()
  options.port = .any
  options.accessRules = rules
  options.files = ["server.crt": certificate.text, "server.key": certificate.key, "root.crt": try authority.rootText()]
  options.settings = isOn ? ["ssl": "on", "ssl_ca_file": "root.crt"] : [:]
  try await withDevServer(try await MainstayDevServers.PostgresServer.start(options)) { server in
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    try await body(
      TLSTrial(
        reactor: reactor, port: try #require(server.port), password: try #require(server.password),
        root: "sslrootcert=\(authority.root)"))
  }
}
