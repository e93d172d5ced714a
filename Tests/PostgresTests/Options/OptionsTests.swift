import MainstayKernel
import MainstayPostgres
import MainstayTesting
import Testing

@Suite struct OptionsTests {
  private typealias Endpoint = PostgresOptions.Endpoint

  private func keywords(_ options: PostgresOptions) -> [String: String] {
    var keywords = Dictionary(
      uniqueKeysWithValues: options.keywords(for: options.endpoints[0]).map { ($0.keyword, $0.value) })
    #expect(keywords.removeValue(forKey: "client_encoding") == "UTF8")
    return keywords
  }

  @Test func aFullURL() throws {
    let options = try PostgresOptions(
      parsing:
        "postgres://jane:p%40ss%2Fw%3A%25%20x@db.example.org:6432/clinic%20a?sslmode=verify-full&application_name=host")
    #expect(
      keywords(options) == [
        "host": "db.example.org", "port": "6432", "user": "jane", "password": "p@ss/w:% x", "dbname": "clinic a",
        "sslmode": "verify-full", "application_name": "host",
      ])
    #expect(options.sslMode == .verifyFull && options.user == "jane" && options.database == "clinic a")
    #expect(options.password?.reveal() == "p@ss/w:% x")
  }

  @Test(arguments: [
    ("postgres://", "/var/run/postgresql:5432"), ("postgresql:///db", "/var/run/postgresql:5432"),
    ("postgres://host", "host:5432"), ("postgres://host:1", "host:1"), ("postgres://host:/db", "host:5432"),
    ("postgres://[::1]", "[::1]:5432"), ("postgres://[fe80::1%25eth0]:99/db", "[fe80::1%eth0]:99"),
    ("postgres://u:p@[2001:db8::7]:5433/db", "[2001:db8::7]:5433"), ("postgres://%2Ftmp%2Fpg/db", "/tmp/pg:5432"),
    ("postgres:///db?host=/tmp/pg&port=99", "/tmp/pg:99"), ("postgres://a,b:2,[::3]:3/db", "a:5432 b:2 [::3]:3"),
    ("postgres://ignored:1/db?host=a,b&port=7", "a:7 b:7"), ("postgres://,b:2", "/var/run/postgresql:5432 b:2"),
    ("host=a,b port=1,2", "a:1 b:2"), ("host=a,b", "a:5432 b:5432"), ("hostaddr=10.0.0.1", "10.0.0.1:5432"),
    ("host=/tmp", "/tmp:5432"), ("dbname=x", "/var/run/postgresql:5432"), ("host=@abstract", "@abstract:5432"),
    ("", "/var/run/postgresql:5432"),
  ])
  func servers(_ text: String, _ expected: String) throws {
    let options = try PostgresOptions(parsing: text)
    #expect(options.endpoints.map(\.description).joined(separator: " ") == expected)
  }

  @Test func addressesBesideNames() throws {
    let options = try PostgresOptions(parsing: "host=a,b hostaddr=10.0.0.1,10.0.0.2")
    #expect(options.endpoints.map(\.address) == ["10.0.0.1", "10.0.0.2"])
    #expect(options.keywords(for: options.endpoints[1]).contains { $0 == ("hostaddr", "10.0.0.2") })
    let resolved = options.keywords(for: options.endpoints[0], address: "10.9.9.9")
    #expect(resolved.filter { $0.keyword == "hostaddr" }.map(\.value) == ["10.9.9.9"])
  }

  @Test func pairs() throws {
    let options = try PostgresOptions(
      parsing: #"  host = db user='jane doe'  password='it\'s \\ a b' dbname=a\ b sslmode='' application_name=é  "#)
    #expect(
      keywords(options) == [
        "host": "db", "port": "5432", "user": "jane doe", "password": #"it's \ a b"#, "dbname": "a b",
        "application_name": "é",
      ])
  }

  @Test func oldWordForEncryption() throws {
    #expect(try PostgresOptions(parsing: "postgres://h/d?ssl=true").sslMode == .require)
  }

  /// Pieces of the passwords that the strings below hold.
  private static let secrets = ["s3cr", "3t", "hunter"]

  @Test(arguments: [
    "postgres://u:s3cr/3t@h/db", "postgres://u:s3cr@3t@h/db", "postgres://u:s3cr#3t@h/db", "postgres://u:s3cr?3t@h/db",
    "postgres://u:s3cr?3t=hunter@h/db", "postgres://u:s3cr%zz3t@h/db", "postgres://u:s3cr%00@h/db",
    "postgres://u:s3cr%ff@h",
    "postgres://u:s3cr@h:hunter/db", "postgres://u:s3cr@h:0", "postgres://u:s3cr@h:70000", "postgres://u:s3cr@[::1",
    "postgres://u:s3cr@[]:5", "postgres://u:s3cr@h/db?hunter", "postgres://u:s3cr@h/db?sslmode=hunter",
    "postgres://u:s3cr@h/db?a=b=c", "postgres://u:s3cr@h:1,i:2/db?port=1,2,3", "mysql://u:s3cr@h/db",
    "host=h password=s3cr 3t", "host=h password='s3cr", "host=h password=s3cr hunter=3t", "password=s3cr =3t", "s3cr",
    "host=h connect_timeout=s3cr", "host=h port=s3cr", "host=a,b,c port=1,2", "host=a,b hostaddr=1", "service=s3cr",
    "client_encoding=s3cr", "password=\u{0}s3cr", "postgres://u:s3cr@h/db?service=x",
  ])
  func whatIsWrongIsSaidWithoutThePassword(_ text: String) throws {
    let error = try #require(throws: PostgresError.self) { try PostgresOptions(parsing: text) }
    #expect(error.code == .options && error.cause == nil && !error.message.isEmpty)
    for secret in OptionsTests.secrets { #expect(!error.description.contains(secret), "\(error.message)") }
  }

  @Test func unknownKeywordsAreNamedWhereTheyCannotBeSecret() {
    let error = #expect(throws: PostgresError.self) {
      try PostgresOptions(parsing: "postgres://u:p@h/db?schema=clinic")
    }
    #expect(error?.message == "libpq knows no connection keyword 'schema'; set it by `options=-csearch_path=NAME`")
  }

  @Test func limits() {
    let long = "host=" + String(repeating: "a", count: 70_000)
    #expect(throws: PostgresError.self) { try PostgresOptions(parsing: long) }
    let many = "host=" + Array(repeating: "a", count: 65).joined(separator: ",")
    #expect(throws: PostgresError.self) { try PostgresOptions(parsing: many) }
  }

  @Test func nothingPrintsThePassword() throws {
    let options = try PostgresOptions(parsing: "postgres://jane:s3cr3t@h:1/db?sslmode=require&sslpassword=hunter")
    var dumped = ""
    dump(options, to: &dumped)
    for text in ["\(options)", String(reflecting: options), dumped, String(describing: [options])] {
      #expect(!text.contains("s3cr3t") && !text.contains("hunter"))
    }
    #expect("\(options)" == "jane@h:1/db sslmode=require")
  }

  @Test(arguments: [
    ("true", PostgresOptions.SSLMode.require), ("1", .require), ("FALSE", .disable), ("off", .disable),
    ("verify-full", .verifyFull), ("Prefer", .prefer), ("verify-ca", .verifyCA), ("allow", .allow),
  ])
  func modesOfEncryption(_ text: String, _ mode: PostgresOptions.SSLMode) throws {
    #expect(try PostgresOptions.SSLMode(parsing: text) == mode)
    #expect(try PostgresOptions().with(sslMode: mode)["sslmode"] == mode.rawValue)
  }

  @Test func modesThatDoNotExist() {
    for text in ["", "maybe", "verify"] {
      let error = #expect(throws: PostgresError.self) { try PostgresOptions.SSLMode(parsing: text) }
      #expect(error?.message.contains("verify-full") == true)
    }
  }

  @Test func overlays() throws {
    let options = try PostgresOptions(parsing: "host=h")
      .with(defaultApplicationName: "clinic").with(defaultApplicationName: "other")
      .with(connectTimeout: .milliseconds(1_500)).with(tcpUserTimeout: .seconds(10))
      .with(serverSetting: "statement_timeout", "15s").with(serverSetting: "search_path", #"a b\c"#)
    #expect(options.applicationName == "clinic")
    #expect(options.connectTimeout == .seconds(2))
    #expect(options["tcp_user_timeout"] == "10000")
    #expect(options["options"] == #"-cstatement_timeout=15s -csearch_path=a\ b\\c"#)
    #expect(try options.with(tcpUserTimeout: .seconds(Int64.max))["tcp_user_timeout"] == "2147482000")
    #expect(try options.with(connectTimeout: .seconds(-5)).connectTimeout == nil)
    #expect(throws: PostgresError.self) { try options.with(serverSetting: "a=b", "c") }
    var other = options
    #expect(throws: PostgresError.self) { try other.set("host", to: "x") }
    #expect(throws: PostgresError.self) { try other.set("nonsense", to: "x") }
    #expect(throws: PostgresError.self) { try other.set("user", to: "a\u{0}b") }
    try other.set("application_name", to: nil)
    #expect(other.applicationName == nil)
  }

  @Test func theServerTakesThem() throws {
    let server = try PostgresServer.shared.get()
    let encoded = server.folder.utf8.map { $0 == UInt8(ascii: "/") ? "%2F" : String(UnicodeScalar($0)) }.joined()
    let options = try PostgresOptions(parsing: "postgres://postgres@\(encoded):\(server.port)/postgres")
      .with(defaultApplicationName: "tests").with(serverSetting: "search_path", #""a\ b", "c d""#)
    let connection = try BlockingConnection(options)
    #expect(try connection.query("SHOW application_name").decode(String.self) == ["tests"])
    #expect(try connection.query("SHOW search_path").decode(String.self) == [#""a\ b", "c d""#])
    #expect(try connection.query("SHOW client_encoding").decode(String.self) == ["UTF8"])
  }

  @Test func randomStringsNeverTrap() {
    let fragments = [
      "postgres://", "postgresql://", "host=", "password=", "port", "user", ":", "@", "/", "?", "&", "=", "%", "%2F",
      "%0",
      "[", "]", "::1", ",", "'", "\\", " ", "é", "\u{0}", "65536", "99999999999999999999", "#", "sslmode=require", "a",
    ]
    var generator = SeededGenerator(seed: 13)
    var accepted = 0
    for _ in 0..<50_000 {
      let text = (0..<Int.random(in: 0...8, using: &generator))
        .map { _ in fragments.randomElement(using: &generator) ?? "" }.joined()
      if let options = try? PostgresOptions(parsing: text) {
        accepted += 1
        #expect(!options.endpoints.isEmpty)
      }
    }
    #expect(accepted > 100 && accepted < 49_000, "\(accepted)")
  }
}
