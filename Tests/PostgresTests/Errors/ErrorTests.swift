import MainstayPostgres
import Testing

@Suite struct ErrorTests {
  private func failure(_ connection: BlockingConnection, _ query: PostgresQuery) throws -> PostgresError {
    try #require(throws: PostgresError.self) { try connection.query(query) }
  }

  @Test func constraintsAreNamedAndDataIsNotShown() throws {
    let connection = try BlockingConnection()
    _ = try connection.query(
      "CREATE TEMP TABLE patients (id int PRIMARY KEY, email text UNIQUE, age int CONSTRAINT adult CHECK (age > 17))")
    _ = try connection.query("INSERT INTO patients VALUES (1, 'jane@example.org', 30)")
    let unique = try failure(connection, "INSERT INTO patients VALUES (2, 'jane@example.org', 30)")
    #expect(unique.code == .server && unique.state == .uniqueViolation && unique.effect == .none)
    #expect(unique.constraint == "patients_email_key" && unique.table == "patients" && unique.severity == .error)
    #expect(unique.unsafeDetail?.contains("jane@example.org") == true)
    #expect(unique.state?.stateClass == .integrityConstraintViolation)
    let check = try failure(connection, "INSERT INTO patients VALUES (3, 'john@example.org', 16)")
    #expect(check.state == .checkViolation && check.constraint == "adult")
    let null = try failure(connection, "INSERT INTO patients VALUES (NULL, 'john@example.org', 16)")
    #expect(null.state == .notNullViolation && null.column == "id")
    for error in [unique, check, null] {
      var dumped = ""
      dump(error, to: &dumped)
      for text in [
        error.description, error.debugDescription, dumped, String(reflecting: error), "\(error as any Error)",
      ] {
        #expect(!text.contains("example.org"), "\(error.state?.rawValue ?? "")")
      }
    }
  }

  @Test(arguments: [
    ("SELECT 'secret'::int", "22P02", "invalid input syntax for type integer: \"…\""),
    ("SELECT 'se\"cr\"et'::int", "22P02", "invalid input syntax for type integer: \"…\""),
    ("SELECT '99999999999'::int", "22003", "value \"…\" is out of range for type integer"),
    ("SELECT 1 / 0", "22012", "division by zero"),
    ("SELECT 'secret'::varchar(2)::int", "22P02", "invalid input syntax for type integer: \"…\""),
    (
      "DO $$ BEGIN RAISE EXCEPTION 'secret'; END $$", "P0001",
      "an exception was raised by a function of the database (its text is in unsafeMessage)"
    ),
    (
      "DO $$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = 'ZZ001'; END $$", "ZZ001",
      "the server refused the statement (its text is in unsafeMessage)"
    ),
    ("SELECT secret FROM pg_class", "42703", "column \"secret\" does not exist"),
    ("SELECT * FROM nowhere", "42P01", "relation \"nowhere\" does not exist"),
    ("SELECT 1 secret secret", "42601", "syntax error at or near \"…\""),
    ("SELECT 'secret", "42601", "unterminated quoted string at or near \"…\""),
  ])
  func messagesHoldNoData(_ sql: String, _ state: String, _ message: String) throws {
    let error = try failure(BlockingConnection(), PostgresQuery(unsafe: sql))
    #expect(error.state == SQLState(state))
    #expect(error.message == message)
    #expect(error.unsafeMessage?.isEmpty == false)
  }

  @Test func messagesInOtherLanguagesAreWithheld() throws {
    // As the server's German translation quotes.
    let connection = try BlockingConnection()
    let error = try failure(
      connection, "DO $$ BEGIN RAISE EXCEPTION '»secret« ist ungültig' USING ERRCODE = '22P02'; END $$")
    #expect(error.message == "the server refused the statement (its text is in unsafeMessage)")
  }

  @Test func effectsFollowTheState() throws {
    let connection = try BlockingConnection()
    func raise(_ state: String) throws -> PostgresError {
      try failure(
        connection, PostgresQuery(unsafe: "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '\(state)'; END $$"))
    }
    for state in ["25006", "57P01", "57P02", "57P03", "08006", "08P01"] {
      #expect(try raise(state).effect == .evictAndRediscover, "\(state)")
    }
    for state in ["40001", "40P01"] { #expect(try raise(state).effect == .retryTransaction, "\(state)") }
    for state in ["23505", "42601", "0A000", "57014", "25P02", "40003", "53300"] {
      #expect(try raise(state).effect == .none, "\(state)")
    }
    #expect(try raise("40003").isIndeterminate)
    #expect(try raise("26000").effect == .dropStatementAndRetryOnce)
    #expect(try failure(connection, "EXECUTE nothing").effect == .dropStatementAndRetryOnce)
  }

  @Test func aPlanThatIsOutOfDateIsToldFromOtherFeatures() throws {
    let connection = try BlockingConnection()
    _ = try connection.query("CREATE TEMP TABLE t (a int)")
    _ = try connection.query("PREPARE p AS SELECT * FROM t")
    _ = try connection.query("EXECUTE p")
    _ = try connection.query("ALTER TABLE t ADD b int")
    let error = try failure(connection, "EXECUTE p")
    #expect(error.state == .featureNotSupported && error.effect == .dropStatementAndRetryOnce)
  }

  @Test func positionsAndHints() throws {
    let error = try failure(BlockingConnection(), "SELECT lenght('a')")
    #expect(error.position == 8 && error.hint != nil)
    #expect(error.description.contains("at character 8"))
  }

  @Test func errorsOfOurOwn() {
    let lost = PostgresError(.connectionLost, "the server went away")
    #expect(lost.effect == .evictConnection && lost.state == nil && !lost.isIndeterminate)
    #expect(lost.indeterminate().isIndeterminate)
    #expect(lost.indeterminate().description.contains("whether the write was done is unknown"))
    #expect(lost.with(effect: .evictAndRediscover).effect == .evictAndRediscover)
    #expect(lost.located("commit").message == "commit: the server went away")
    #expect(PostgresError(.misuse, String(repeating: "é", count: 5_000)).message.count == 2_001)
  }
}
