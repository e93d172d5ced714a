public import MainstayReactor

extension PostgresConnection {
  /// The rows of a statement as they arrive. It is sent when the first row is asked for, and cancelled if the reader stops
  /// before the end. If the reader is slow, the server has to wait: no more than `streamBufferLimit` bytes are held.
  ///
  /// Whatever else is asked of the connection meanwhile waits for the reader. Without a deadline, each wait for more rows
  /// may take `statementTimeout`.
  public func stream(_ query: PostgresQuery, deadline: MonotonicInstant? = nil) -> PostgresRowStream {
    PostgresRowStream(connection: self, query: query, deadline: deadline)
  }

  /// The data of `COPY … TO STDOUT` as it arrives, one row each, under the same rules as `stream`.
  public func copyOut(_ sql: String, deadline: MonotonicInstant? = nil) -> PostgresCopyStream {
    PostgresCopyStream(connection: self, sql: sql, deadline: deadline)
  }

  /// Runs `COPY … FROM STDIN` with the data of a sequence, whose pieces may end anywhere. If the socket is full, the
  /// sequence has to wait. If the sequence throws, nothing has been copied and its error is thrown.
  ///
  /// The deadline, the cancellation of the task and the loss of the connection end it even while the sequence is silent:
  /// nothing has been copied, and the sequence's task is cancelled, but not waited for. Without a deadline, no piece of the
  /// sequence and no wait for the server may take longer than `statementTimeout`.
  ///
  /// - Returns: how many rows were copied.
  public func copyIn<Chunks: AsyncSequence & SendableMetatype>(
    _ sql: String, _ chunks: sending Chunks, deadline: MonotonicInstant? = nil
  ) async throws -> Int where Chunks.Element == [UInt8] {
    let query = PostgresQuery(unsafe: sql, parameters: PostgresParameters())
    try check(query)
    let unit = SessionUnit(.copyIn, query, deadline: deadline)
    if Task.isCancelled { throw PostgresError.cancelled }
    session.streamBegins(unit)
    await session.run(unit)
    // A task of its own, since a sequence that is silent cannot be left otherwise.
    let source = Task(executorPreference: reactor.isOnThread ? reactor : nil) { await self.feed(chunks, to: unit) }
    await withTaskCancellationHandler {
      await session.waitForEnd(of: unit)
    } onCancel: {
      session.giveUp(unit)
    }
    source.cancel()
    session.streamEnded(unit, PostgresOutcome(unit.error))
    if !unit.isAbandoned, let error = unit.extra?.sourceFailure { throw error }
    if let error = unit.error { throw error }
    return unit.extra?.results.last?.affectedRows ?? 0
  }

  /// Sends the data and says how they end, unless the COPY has ended before.
  private func feed<Chunks: AsyncSequence & SendableMetatype>(_ chunks: Chunks, to unit: SessionUnit) async
  where Chunks.Element == [UInt8] {
    do {
      if session.isDone(unit) { return }
      for try await chunk in chunks {
        await send(chunk, unit)
        if session.isDone(unit) { return }
      }
      session.endSource(of: unit, nil)
    } catch {
      session.endSource(of: unit, error)
    }
  }

  private static let copyPiece = 1 << 16

  private func send(_ chunk: [UInt8], _ unit: SessionUnit) async {
    var start = 0
    while start < chunk.count {
      let end = min(start + Self.copyPiece, chunk.count)
      let isSent = chunk.withUnsafeBytes { session.sendCopy(UnsafeRawBufferPointer(rebasing: $0[start..<end]), unit) }
      if !isSent { await session.wait(for: unit) { !session.wantsWrite || unit.isDone || unit.copy != .sending } }
      start = end
    }
  }
}

/// The rows of a statement as they arrive; can be gone through once.
public struct PostgresRowStream: AsyncSequence, Sendable {
  /// A row.
  public typealias Element = PostgresRow

  let connection: PostgresConnection
  let query: PostgresQuery
  let deadline: MonotonicInstant?

  /// Sends the statement at its first `next()`.
  public func makeAsyncIterator() -> Iterator { Iterator(reader: StreamReader(connection, .rows, query, deadline)) }

  /// Goes through the rows.
  public struct Iterator: AsyncIteratorProtocol {
    private let reader: StreamReader
    private var results: [PostgresResult] = []
    private var result = 0
    private var row = 0

    init(reader: StreamReader) { self.reader = reader }

    /// The next row, nil behind the last one. What has come already costs no change of executors.
    public mutating func next(
      isolation actor: isolated (any Actor)? = #isolation
    ) async throws(PostgresError) -> PostgresRow? {
      while true {
        while result < results.count {
          if row < results[result].count {
            defer { row += 1 }
            return results[result][row]
          }
          result += 1
          row = 0
        }
        results = try await reader.more { $0.rows.take() }
        result = 0
        if results.isEmpty { return nil }
      }
    }
  }
}

/// The data of a COPY as it arrives; can be gone through once.
public struct PostgresCopyStream: AsyncSequence, Sendable {
  /// One row, as COPY writes it.
  public typealias Element = [UInt8]

  let connection: PostgresConnection
  let sql: String
  let deadline: MonotonicInstant?

  /// Sends the COPY at its first `next()`.
  public func makeAsyncIterator() -> Iterator {
    let query = PostgresQuery(unsafe: sql, parameters: PostgresParameters())
    return Iterator(reader: StreamReader(connection, .copyOut, query, deadline))
  }

  /// Goes through the data.
  public struct Iterator: AsyncIteratorProtocol {
    private let reader: StreamReader
    private var rows: ArraySlice<[UInt8]> = []

    init(reader: StreamReader) { self.reader = reader }

    /// The next row, nil behind the last one.
    public mutating func next() async throws(PostgresError) -> [UInt8]? {
      if rows.isEmpty { rows = try await reader.more { $0.bytes.take() }[...] }
      return rows.popFirst()
    }
  }
}

/// The reading end of a stream. When nobody holds it any more, what is left of the statement is cancelled.
final class StreamReader: Sendable {
  private let connection: PostgresConnection
  private let unit: SessionUnit

  init(
    _ connection: PostgresConnection, _ kind: SessionUnit.Kind, _ query: PostgresQuery, _ deadline: MonotonicInstant?
  ) {
    self.connection = connection
    unit = SessionUnit(kind, query, deadline: deadline)
  }

  deinit {
    connection.session.giveUp(unit)
    connection.session.streamEnded(unit, .cancelled)
  }

  /// What has come since the last time; waits for it if nothing has. Empty at the end.
  func more<Element: Sendable>(_ take: (SessionUnit.Extra) -> [Element]) async throws(PostgresError) -> [Element] {
    if Task.isCancelled { throw .cancelled }
    let session = connection.session
    if !session.locked({ unit.isSubmitted }) {
      try connection.check(unit.query)
      session.streamBegins(unit)
      await session.run(unit)
    }
    while true {
      let (elements, isDone, error) = session.fetch(unit, take)
      if !elements.isEmpty { return elements }
      if isDone { session.streamEnded(unit, PostgresOutcome(error)) }
      if let error { throw error }
      if isDone { return [] }
      await session.wait(for: unit) { unit.isDone || unit.hasArrived }
    }
  }
}

extension Session {
  /// Whether its last answer has come. Until then the reactor's thread may write to it.
  func isDone(_ unit: SessionUnit) -> Bool { locked { unit.isDone } }

  /// What a reader fetches makes room for more.
  func fetch<Element>(
    _ unit: SessionUnit, _ take: (SessionUnit.Extra) -> [Element]
  ) -> (elements: [Element], isDone: Bool, error: PostgresError?) {
    locked {
      let elements = unit.extra.map(take) ?? []
      if !elements.isEmpty { resumeReading() }
      return (elements, unit.isDone, unit.isDone ? unit.error : nil)
    }
  }

  /// The reader, or the caller of a COPY, has gone before the end.
  func giveUp(_ unit: SessionUnit) {
    locked {
      guard unit.isSubmitted, !unit.isDone else { return }
      abandon(unit, .cancelled)
      cancelIfOnlyAbandoned(.now)
    }
  }
}
