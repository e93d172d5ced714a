import CLibPQ

// The answers of a `MergedRead`.
extension PostgresResult {
  /// Takes the rows of a merged read apart: a result for each of `count` sets, with the columns but the last one, which says
  /// for which set a row is, from 1.
  func sets(_ count: Int) throws(PostgresError) -> [PostgresResult] {
    guard columnCount > 0 else { throw .notMerged }
    let numbers = try setNumbers(count)
    let isSorted = zip(numbers, numbers.dropFirst()).allSatisfy { $0 <= $1 }
    guard isSorted else { return try sorted(by: numbers).sets(count) }
    let columns = PostgresColumns(columns.dropLast())
    var results: [PostgresResult] = []
    results.reserveCapacity(count)
    var row = 0
    for number in 1...Int32(clamping: count) {
      let first = row
      while row < numbers.count, numbers[row] == number { row += 1 }
      results.append(PostgresResult(first..<row, of: self, columns: columns))
    }
    return results
  }

  /// Which set each row is for.
  private func setNumbers(_ count: Int) throws(PostgresError) -> [Int32] {
    var numbers: [Int32] = []
    numbers.reserveCapacity(self.count)
    let column = Int32(truncatingIfNeeded: columnCount - 1)
    for row in 0..<Int32(truncatingIfNeeded: self.count) {
      let number = try value(Int.self, row: row, column: column)
      guard (1...count).contains(number) else { throw .notMerged }
      numbers.append(Int32(truncatingIfNeeded: number))
    }
    return numbers
  }

  /// The same rows in the order of their sets: the planner may join the sets in another one. Those of one set stay in theirs.
  private func sorted(by numbers: [Int32]) throws(PostgresError) -> PostgresResult {
    let order = numbers.indices.sorted { (numbers[$0], $0) < (numbers[$1], $1) }
    guard let copy = PQcopyResult(result, PG_COPYRES_ATTRS) else { throw .noMemoryForRows }
    for (row, source) in order.enumerated() {
      let from = firstRow &+ Int32(truncatingIfNeeded: source)
      guard PostgresResult.copyRow(from, of: result, to: copy, as: Int32(truncatingIfNeeded: row)) else {
        PQclear(copy)
        throw .noMemoryForRows
      }
    }
    return PostgresResult(taking: copy, columns: columns)
  }

}

extension PostgresError {
  /// The server's answer is none to what was asked.
  fileprivate static var notMerged: PostgresError {
    PostgresError(.protocolViolation, "the answer to a merged read does not say for which of its sets a row is")
  }

  fileprivate static var noMemoryForRows: PostgresError {
    PostgresError(.decoding, "no memory for the rows of a merged read; read fewer at a time")
  }
}
