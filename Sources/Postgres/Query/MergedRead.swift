/// A declared read for many sets of parameters at once. Each parameter becomes an array, and the statement a part of another
/// one, which the server runs for each element:
///
/// ```sql
/// SELECT merged_rows.*, merged_read.merged_read_number
/// FROM ROWS FROM (pg_catalog.unnest($1), …) WITH ORDINALITY AS merged_read (merged_read_1, …, merged_read_number)
/// CROSS JOIN LATERAL (the statement, with merged_read.merged_read_1 for $1) AS merged_rows
/// ```
/// Within the statement these names are known too, and come before a table's own (`to_json(n) FROM notes AS n` would take a
/// column `n` of ours for it): so they are names that nobody else has.
///
/// What comes for a set stays in the order in which the statement gives it: one with an order of its own cannot be taken apart
/// by the planner, so it runs as a whole for each set.
struct MergedRead: Sendable {
  /// What tells reads apart that can be merged: those of one text with the same types.
  typealias Key = PreparedStatement.Key

  /// What all names begin with that the statement would see.
  private static let name = "merged_read"
  /// Larger parameters go by themselves: an array of theirs would take as much memory again, here and in the server, which
  /// takes none of a gigabyte.
  private static let mostBytes = 16 << 20

  private let sql: String
  private let parameters: Int

  static func key(_ query: PostgresQuery) -> Key {
    Key(sql: query.sql, types: query.parameters.typeSignature)
  }

  /// Nil if the statement cannot be a part of another one, or has no parameters.
  init?(_ query: PostgresQuery) {
    guard let statement = StatementPieces(query.sql), statement.parameters > 0,
      statement.parameters == query.parameters.count, [.select, .with].contains(PostgresOperation(sql: query.sql)),
      !query.sql.lowercased().contains(MergedRead.name)
    else { return nil }
    parameters = statement.parameters
    let sets = (1...parameters).map { "pg_catalog.unnest($\($0))" }.joined(separator: ", ")
    let name = MergedRead.name
    let names = (1...parameters).map { "\(name)_\($0), " }.joined()
    let text = statement.pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .placeholder(let number): " \(name).\(name)_\(number) "
      }
    }
    // The statement may end in a comment.
    sql = """
      SELECT merged_rows.*, \(name).\(name)_number \
      FROM ROWS FROM (\(sets)) WITH ORDINALITY AS \(name) (\(names)\(name)_number) \
      CROSS JOIN LATERAL (\(text.joined())
      ) AS merged_rows
      """
  }

  /// Whether the statement by itself would name all columns of that answer so. One that is nothing but a parameter, or a
  /// cast of one, has our name for it here.
  static func keepsNames(in answer: PostgresResult) -> Bool {
    !answer.columns.dropLast().contains { $0.name.hasPrefix(name) }
  }

  /// The statement for all of the queries; nil if a type has no arrays, or if the queries differ in more than values.
  func query(for queries: ArraySlice<PostgresQuery>) -> PostgresQuery? {
    guard let first = queries.first else { return nil }
    var arrays: [ParameterArray] = []
    first.parameters.forEach { entry, _ in arrays.append(ParameterArray(of: entry, count: queries.count)) }
    guard arrays.count == parameters, arrays.allSatisfy(\.isPossible) else { return nil }
    var bytes = 0
    for query in queries {
      bytes += query.parameters.writer.count
      guard bytes <= MergedRead.mostBytes, query.sql.hasSameBytes(as: first.sql), query.parameters.count == parameters,
        query.parameters.failure == nil,
        query.resultFormat == first.resultFormat, query.isPrepared == first.isPrepared
      else { return nil }
      guard query.parameters.append(to: &arrays) else { return nil }
    }
    var merged = PostgresParameters()
    for array in arrays { array.append(to: &merged) }
    let query = PostgresQuery.read(PostgresQuery(sql: sql, parameters: merged)).answered(in: first.resultFormat)
    return first.isPrepared ? query : query.unprepared()
  }
}

/// An array in its binary form, out of parameters as they would be sent by themselves. See `Array+Postgres` for the form.
private struct ParameterArray {
  private let element: PostgresParameters.Entry
  private let type: PostgresType
  private var writer = PostgresWriter()

  /// The flag is the second integer.
  private static let lastByteOfHasNulls = 2 * MemoryLayout<Int32>.size - 1

  init(of element: PostgresParameters.Entry, count: Int) {
    self.element = element
    type = PostgresType(rawValue: element.type).array
    // Of the first one's length, which says little about the others' where it is a long text.
    let length = Int(min(max(element.length, 8), 64))
    writer.bytes.reserveCapacity(20 + count * (MemoryLayout<Int32>.size + length))
    writer.writeArrayHeader(
      of: PostgresType(rawValue: element.type), count: Int32(clamping: count), hasNulls: false)
  }

  /// Whether there are arrays of that type, and its values have been written as they stand in one.
  var isPossible: Bool {
    type != .unspecified && (element.format == PostgresFormat.binary.rawValue || isTheSameInBothForms)
  }

  private var isTheSameInBothForms: Bool {
    switch PostgresType(rawValue: element.type) {
    case .text, .varchar, .bpchar, .name, .json: true
    default: false
    }
  }

  /// False if the parameter is of another type.
  mutating func append(_ entry: PostgresParameters.Entry, _ bytes: ArraySlice<UInt8>) -> Bool {
    guard entry.type == element.type, entry.format == element.format else { return false }
    writer.write(integer: entry.length)
    if entry.length < 0 { writer.bytes[ParameterArray.lastByteOfHasNulls] = 1 }
    // Without the zero byte behind text.
    writer.bytes.append(contentsOf: bytes.prefix(Int(max(entry.length, 0))))
    return true
  }

  func append(to parameters: inout PostgresParameters) {
    let entry = PostgresParameters.Entry(
      type: type.rawValue, length: Int32(clamping: writer.count), format: PostgresFormat.binary.rawValue,
      placeholder: .max)
    parameters.append(entry, bytes: writer.bytes[...], placeholder: .max)
  }
}

extension PostgresParameters {
  /// Appends each value to the array of its position. False if one does not fit there.
  fileprivate func append(to arrays: inout [ParameterArray]) -> Bool {
    var index = 0
    var fits = true
    forEach { entry, bytes in
      fits = arrays[index].append(entry, bytes) && fits
      index += 1
    }
    return fits
  }
}
