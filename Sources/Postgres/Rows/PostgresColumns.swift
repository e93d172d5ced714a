import CLibPQ

/// The names and types of a result's columns.
public final class PostgresColumns: Sendable {
  /// One column.
  public struct Column: Sendable, Hashable {
    /// The name, as the server gives it.
    public let name: String
    /// The type of the cells.
    public let type: PostgresType
    /// The form of the cells.
    public let format: PostgresFormat
  }

  private let columns: [Column]
  private let positions: [String: Int]

  /// From this many columns on, names are looked up in a table.
  private static let tabled = 8

  init(_ columns: [Column]) {
    self.columns = columns
    let named = columns.count < PostgresColumns.tabled ? [] : columns.enumerated().map { ($1.name, $0) }
    positions = Dictionary(named) { first, _ in first }
  }

  /// Reads the columns of a `PGresult`, which stays the caller's.
  public convenience init(result: OpaquePointer) {
    self.init(
      (0..<PQnfields(result)).map { column in
        Column(
          name: PQfname(result, column).map { String(cString: $0) } ?? "",
          type: PostgresType(rawValue: PQftype(result, column)),
          format: PQfformat(result, column) == 0 ? .text : .binary)
      })
  }

  /// The position of the first column of that name, spelled exactly so.
  public func position(of name: String) -> Int? {
    columns.count < PostgresColumns.tabled ? columns.firstIndex { $0.name == name } : positions[name]
  }
}

extension PostgresColumns: RandomAccessCollection {
  /// 0
  public var startIndex: Int { 0 }
  /// The number of columns.
  public var endIndex: Int { columns.count }
  /// The column at that position.
  public subscript(position: Int) -> Column { columns[position] }
}
