import MainstayReactor
import MainstayTesting
import Testing

@testable import MainstayPostgres

@Suite(.timeLimit(.minutes(2))) struct StreamTests {
  @Test func deliversEveryRowOnce() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      var next = 1
      for try await row in connection.stream("SELECT g, repeat('x', 100) FROM generate_series(1, \(20_000)::int4) g") {
        #expect(try row.decode(Int32.self, at: 0) == Int32(next))
        next += 1
      }
      #expect(next == 20_001)
      var none = 0
      for try await _ in connection.stream("SELECT 1 WHERE false") { none += 1 }
      #expect(none == 0)
      #expect(connection.condition == .idle)
    }
  }

  /// The reader does not read: the client must stop at its limit, however much the server has.
  @Test func holdsNoMoreThanTheBuffer() async throws {
    try await withBench { bench in
      var settings = PostgresConnectionSettings()
      settings.streamBufferLimit = 100_000
      let connection = try await bench.connect(settings)
      let other = try await bench.connect()
      let stream = connection.stream("SELECT repeat('x', 1000) FROM generate_series(1, 100000)")
      var iterator = stream.makeAsyncIterator()
      #expect(try await iterator.next() != nil)
      try await eventually { connection.session.locked { connection.session.isPaused } }
      // While the server waits for us to read, it says so.
      let query: PostgresQuery = "SELECT wait_event FROM pg_stat_activity WHERE pid = \(connection.backendProcessID)"
      while try await other.execute(query).decode(String?.self, row: 0, column: 0) != "ClientWrite" {}
      let held = connection.session.locked { connection.session.inFlight.first?.extra?.rows.size ?? 0 }
      #expect(held >= 100_000)
      #expect(held < 200_000)
      #expect(connection.session.locked { connection.session.isPaused })
      var rows = 1
      while try await iterator.next() != nil { rows += 1 }
      #expect(rows == 100_000)
    }
  }

  @Test func anErrorComesAfterTheRowsBeforeIt() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      var rows = 0
      let error = await failure {
        for try await _ in connection.stream("SELECT 1 / (5 - g) FROM generate_series(1, 9) g") { rows += 1 }
      }
      #expect(error?.state == .divisionByZero)
      #expect(rows == 4)
      #expect(connection.condition == .idle)
    }
  }

  /// A reader who goes before the end does not leave the server at work, nor the connection unusable.
  @Test func stopsTheServerWhenTheReaderGoes() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      for try await _ in connection.stream("SELECT generate_series(1, 1000000000)") { break }
      #expect(try await connection.execute("SELECT 1").count == 1)
      #expect(connection.condition == .idle)
    }
  }

  @Test func othersWaitBehindAStream() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      var iterator = connection.stream("SELECT g FROM generate_series(1, 100000) g").makeAsyncIterator()
      _ = try await iterator.next()
      async let behind = connection.execute("SELECT 7").decode(Int32.self, row: 0, column: 0)
      var rows = 1
      while try await iterator.next() != nil { rows += 1 }
      #expect(rows == 100_000)
      #expect(try await behind == 7)
    }
  }
}

@Suite(.timeLimit(.minutes(2))) struct CopyTests {
  @Test func copiesInAndOut() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      try await connection.script("CREATE TEMP TABLE c (a int4, b text)")
      let lines = (0..<50_000).map { "\($0)\trow \($0)\n" }.joined()
      // The pieces end in the middle of rows.
      let count = try await connection.copyIn("COPY c FROM STDIN", Pieces(bytes: Array(lines.utf8), size: 70_001))
      #expect(count == 50_000)
      var out: [UInt8] = []
      for try await row in connection.copyOut("COPY (SELECT * FROM c ORDER BY a) TO STDOUT") { out += row }
      #expect(out == Array(lines.utf8))
      #expect(connection.condition == .idle)
      #expect(try await connection.execute("SELECT count(*) FROM c").decode(Int.self, row: 0, column: 0) == 50_000)
    }
  }

  @Test func anErrorInTheDataIsReported() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      try await connection.script("CREATE TEMP TABLE c (a int4)")
      let bad = Array("1\nnot a number\n".utf8) + Array(repeating: UInt8(ascii: "3"), count: 1_000_000)
      let error = await failure { try await connection.copyIn("COPY c FROM STDIN", Pieces(bytes: bad, size: 1000)) }
      #expect(error?.state == .invalidTextRepresentation)
      #expect(error.map { !"\($0)".contains("not a number") } == true)
      let noTable = await failure { try await connection.copyIn("COPY nowhere FROM STDIN", Pieces(bytes: [], size: 1)) }
      #expect(noTable?.state == .undefinedTable)
      let noCopy = await failure { try await connection.copyIn("COPY pg_class TO STDOUT", Pieces(bytes: [], size: 1)) }
      #expect(noCopy?.code == .misuse)
      #expect(try await connection.execute("SELECT count(*) FROM c").decode(Int.self, row: 0, column: 0) == 0)
    }
  }

  @Test func aSourceThatFailsCopiesNothing() async throws {
    struct Broken: Error {}
    try await withBench { bench in
      let connection = try await bench.connect()
      try await connection.script("CREATE TEMP TABLE c (a int4)")
      await #expect(throws: Broken.self) {
        try await connection.copyIn("COPY c FROM STDIN", Pieces(bytes: Array("1\n2\n".utf8), size: 2, error: Broken()))
      }
      #expect(connection.condition == .idle)
      #expect(try await connection.execute("SELECT count(*) FROM c").decode(Int.self, row: 0, column: 0) == 0)
    }
  }

  @Test func aReaderWhoGoesStopsTheCopy() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      for try await _ in connection.copyOut("COPY (SELECT generate_series(1, 1000000000)) TO STDOUT") { break }
      #expect(try await connection.execute("SELECT 1").count == 1)
    }
  }

  /// The table is locked, so the server does not read: the source must be held back.
  @Test func theSourceWaitsForTheServer() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let other = try await bench.connect()
      try await other.script("DROP TABLE IF EXISTS held; CREATE TABLE held (a text)")
      try await other.script(
        """
        CREATE OR REPLACE FUNCTION wait_for_lock() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$;
        CREATE TRIGGER waits BEFORE INSERT ON held FOR EACH ROW EXECUTE FUNCTION wait_for_lock();
        SELECT pg_advisory_lock(4711)
        """)
      let counter = Counter()
      let line = Array((String(repeating: "x", count: 9_999) + "\n").utf8)
      async let copied = connection.copyIn("COPY held FROM STDIN", Counted(line: line, limit: 2_000, counter: counter))
      let waiting: PostgresQuery =
        "SELECT count(*) FROM pg_stat_activity WHERE pid = \(connection.backendProcessID) AND wait_event = 'advisory'"
      while try await other.execute(waiting).decode(Int.self, row: 0, column: 0) == 0 {}
      while !connection.session.locked({ connection.session.wantsWrite }) { await Task.yield() }
      #expect(counter.value < 1_000)
      try await other.script("SELECT pg_advisory_unlock(4711)")
      #expect(try await copied == 2_000)
      #expect(counter.value == 2_000)
    }
  }
}

/// COPY … FROM STDIN whose source gives one row and is silent from then on.
@Suite(.timeLimit(.minutes(3))) struct SilentSourceTests {
  private static let row = Array("1\n".utf8)

  private func withSilence(
    _ settings: PostgresConnectionSettings = .patient,
    _ body: (PostgresConnection, AsyncStream<[UInt8]>) async throws -> Void
  ) async throws {
    try await withBench { bench in
      let connection = try await bench.connect(settings)
      try await connection.script("CREATE TEMP TABLE silent (a int)")
      let (source, writer) = AsyncStream<[UInt8]>.makeStream()
      writer.yield(Self.row)
      try await body(connection, source)
      writer.finish()
    }
  }

  private func expectNothingCopied(_ connection: PostgresConnection) async throws {
    #expect(try await connection.execute("SELECT 1 FROM silent").count == 0)
    let more = try await connection.copyIn("COPY silent FROM STDIN", Pieces(bytes: Self.row, size: 1))
    #expect(more == 1, "the connection is as good as before")
  }

  @Test func theDeadlineEndsIt() async throws {
    try await withSilence { connection, source in
      let error = await failure {
        try await connection.copyIn(
          "COPY silent FROM STDIN", source, deadline: .now.advanced(by: .milliseconds(400)))
      }
      #expect(error?.code == .timedOut)
      try await expectNothingCopied(connection)
    }
  }

  @Test func theStatementTimeoutEndsIt() async throws {
    var settings = PostgresConnectionSettings.patient
    settings.statementTimeout = .milliseconds(400)
    try await withSilence(settings) { connection, source in
      #expect(await failure { try await connection.copyIn("COPY silent FROM STDIN", source) }?.code == .timedOut)
      try await expectNothingCopied(connection)
    }
  }

  /// An AsyncStream ends when its task is cancelled, as if there were no more rows: that must not commit those before.
  @Test func cancellationEndsIt() async throws {
    try await withSilence { connection, source in
      let copy = Task { await failure { try await connection.copyIn("COPY silent FROM STDIN", source) } }
      try await eventually { connection.condition == .busy }
      copy.cancel()
      #expect(await copy.value?.code == .cancelled)
      try await expectNothingCopied(connection)
    }
  }

  /// A source that does not even heed cancellation.
  @Test func aDeafSourceIsLeftBehind() async throws {
    try await withSilence { connection, _ in
      let heard = Signal<Bool>()
      let end = Signal<Void>()
      let source = Deaf(end: end, heard: heard)
      let error = await failure {
        try await connection.copyIn(
          "COPY silent FROM STDIN", source, deadline: .now.advanced(by: .milliseconds(400)))
      }
      #expect(error?.code == .timedOut)
      try await expectNothingCopied(connection)
      end.send(())
      #expect(await heard.wait(), "its task is cancelled")
      #expect(try await connection.execute("SELECT 1 FROM silent").count == 1, "what comes late goes nowhere")
    }
  }

  @Test func theEndOfTheConnectionEndsIt() async throws {
    try await withSilence { connection, source in
      let copy = Task { await failure { try await connection.copyIn("COPY silent FROM STDIN", source) } }
      try await eventually { connection.condition == .busy }
      connection.close()
      #expect(await copy.value?.code == .closed)
    }
  }
}

/// Waits for an end that is not its task's, then gives a row and says whether its task was cancelled.
private struct Deaf: AsyncSequence, Sendable {
  let end: Signal<Void>
  let heard: Signal<Bool>

  func makeAsyncIterator() -> Iterator { Iterator(source: self) }

  struct Iterator: AsyncIteratorProtocol {
    let source: Deaf

    mutating func next() async -> [UInt8]? {
      await source.end.wait()
      source.heard.send(Task.isCancelled)
      return Array("2\n".utf8)
    }
  }
}

/// Bytes in pieces, and an error at the end if there is one.
struct Pieces: AsyncSequence {
  let bytes: [UInt8]
  let size: Int
  var error: (any Error)?

  func makeAsyncIterator() -> Iterator { Iterator(rest: bytes[...], size: size, error: error) }

  struct Iterator: AsyncIteratorProtocol {
    var rest: ArraySlice<UInt8>
    let size: Int
    let error: (any Error)?

    mutating func next() async throws -> [UInt8]? {
      if rest.isEmpty, let error { throw error }
      defer { rest = rest.dropFirst(size) }
      return rest.isEmpty ? nil : Array(rest.prefix(size))
    }
  }
}

struct Counted: AsyncSequence, Sendable {
  let line: [UInt8]
  let limit: Int
  let counter: Counter

  func makeAsyncIterator() -> Iterator { Iterator(source: self) }

  struct Iterator: AsyncIteratorProtocol {
    let source: Counted

    mutating func next() async -> [UInt8]? {
      source.counter.value < source.limit ? source.counter.add(source.line) : nil
    }
  }
}
