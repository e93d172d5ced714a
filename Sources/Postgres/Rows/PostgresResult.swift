import CLibPQ
import Synchronization

/// The rows that a statement returned, or how many rows it changed. A collection of rows, which are counted from 0.
public final class PostgresResult: @unchecked Sendable {
  // because nothing writes to a PGresult once it was handed out, and libpq's functions that read one may be called by
  // several threads at once ("Behavior in Threaded Programs" in its manual); the columns have a lock of their own.
  @usableFromInline let result: OpaquePointer
  /// The number of rows.
  public let count: Int
  /// The number of columns.
  public let columnCount: Int
  /// Where its rows begin in `result`.
  @usableFromInline let firstRow: Int32
  /// Whose `result` it is a part of.
  private let whole: PostgresResult?
  private let knownColumns: Mutex<PostgresColumns?>

  /// Takes a `PGresult` over, which it clears in the end. `columns` are those of the statement, if they are known
  /// from an earlier run, so that their names need not be read again.
  public init(taking result: OpaquePointer, columns: PostgresColumns? = nil) {
    self.result = result
    count = Int(PQntuples(result))
    columnCount = Int(PQnfields(result))
    firstRow = 0
    whole = nil
    knownColumns = Mutex(columns)
  }

  /// Some rows of a result, which it keeps alive as a whole, and its first columns.
  init(_ rows: Range<Int>, of whole: PostgresResult, columns: PostgresColumns) {
    result = whole.result
    count = rows.count
    columnCount = columns.count
    firstRow = Int32(truncatingIfNeeded: rows.lowerBound)
    self.whole = whole
    knownColumns = Mutex(columns)
  }

  deinit { if whole == nil { PQclear(result) } }

  /// The columns' names and types.
  public var columns: PostgresColumns {
    knownColumns.withLock { known in
      if let known { return known }
      let columns = PostgresColumns(result: result)
      known = columns
      return columns
    }
  }

  /// What the server did, such as `SELECT 5` or `INSERT 0 1`.
  public var commandTag: String {
    whole == nil ? PQcmdStatus(result).map { String(cString: $0) } ?? "" : "SELECT \(count)"
  }

  /// How many rows were inserted, updated, deleted, copied or selected; 0 for other statements.
  public var affectedRows: Int {
    whole == nil ? PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0 : count
  }
}

extension PostgresResult: RandomAccessCollection {
  /// 0
  public var startIndex: Int { 0 }
  /// The number of rows.
  public var endIndex: Int { count }
  /// The row at that position. Outside of `indices` it is a row whose every reading throws.
  public subscript(position: Int) -> PostgresRow { PostgresRow(result: self, index: position) }
}

extension PostgresError {
  /// The error in a `PGresult` of status PGRES_FATAL_ERROR, or a notice in one of PGRES_NONFATAL_ERROR. The result
  /// stays the caller's.
  public init(result: OpaquePointer, code: Code = .server) {
    self.init(ServerResponse(result: result), code: code)
  }
}
