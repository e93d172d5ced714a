import CLibPQ
import Glibc

/// The rows of many small results of a batch, in one `PGresult` for each statement: a `PGresult` by itself takes 3 KB, however
/// little is in it.
struct GatheredRows {
  /// More rows than that are left where they are.
  private static let mostRows = 16
  /// Statements of a batch whose rows are gathered.
  private static let mostStatements = 8

  /// What the results are parts of. Until the batch has ended, nobody else knows them, and rows may be added.
  private var wholes: [PostgresResult] = []

  /// Copies the rows of a result; nil if it had better stay by itself. The result stays the caller's.
  mutating func copy(_ result: OpaquePointer, _ columns: PostgresColumns?) -> PostgresResult? {
    let count = PQntuples(result)
    guard let columns, count <= GatheredRows.mostRows, GatheredRows.isSelect(result),
      let whole = whole(like: result, columns)
    else { return nil }
    let first = PQntuples(whole.result)
    for row in 0..<count {
      guard PostgresResult.copyRow(row, of: result, to: whole.result, as: first + row) else { return nil }
    }
    return PostgresResult(Int(first)..<Int(first + count), of: whole, columns: columns)
  }

  private mutating func whole(like result: OpaquePointer, _ columns: PostgresColumns) -> PostgresResult? {
    if let whole = wholes.last(where: { $0.columns === columns }) { return whole }
    guard wholes.count < GatheredRows.mostStatements, let empty = PQcopyResult(result, PG_COPYRES_ATTRS) else {
      return nil
    }
    let whole = PostgresResult(taking: empty, columns: columns)
    wholes.append(whole)
    return whole
  }

  /// Whether what it says of itself, `SELECT 3`, can be told from its rows.
  private static func isSelect(_ result: OpaquePointer) -> Bool {
    PQresultStatus(result) == PGRES_TUPLES_OK && PQcmdStatus(result).map { strncmp($0, "SELECT ", 7) == 0 } ?? false
  }
}

extension PostgresResult {
  /// Adds a row to a `PGresult` of the same columns. False if there is no memory for it.
  static func copyRow(_ row: Int32, of source: OpaquePointer, to copy: OpaquePointer, as newRow: Int32) -> Bool {
    (0..<PQnfields(source)).allSatisfy { column in
      let length = PQgetisnull(source, row, column) != 0 ? -1 : PQgetlength(source, row, column)
      return PQsetvalue(copy, newRow, column, PQgetvalue(source, row, column), length) == 1
    }
  }
}
