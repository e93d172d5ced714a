import CLibPQ
import MainstayKernel

/// Decodes the rows of a result, or of a stream, one after the other. It is used by one thread at a time.
final class RowDecoder {
  private(set) var result: PostgresResult
  private(set) var columns: PostgresColumns
  private let naming: PostgresColumnNaming
  private(set) var row: Int32 = 0
  // The keys in the order in which the first row asked for them. `init(from:)` asks in the same order for every row,
  // so the next key is nearly always the next step.
  private var steps: [Step] = []
  private var position = 0

  /// A key and what was found out about it.
  struct Step {
    let key: String
    /// -1 if there is no such column.
    let column: Int32
    let isJSON: Bool
    /// How the type that was asked for is read, once that is known.
    var reading: (type: ObjectIdentifier, kind: CellReading)?
  }

  init(_ result: PostgresResult, naming: PostgresColumnNaming) {
    self.result = result
    self.naming = naming
    columns = result.columns
  }

  /// Decodes a row of any result; what is known of the columns is kept as long as they are the same.
  func decode<Value: Decodable>(_ type: Value.Type, from row: PostgresRow) throws(PostgresError) -> Value {
    if row.result !== result {
      result = row.result
      if result.columns !== columns {
        columns = result.columns
        steps = []
      }
    }
    return try decode(type, row: Int32(truncatingIfNeeded: row.index))
  }

  func decode<Value: Decodable>(_ type: Value.Type, row: Int32) throws(PostgresError) -> Value {
    self.row = row
    position = 0
    do {
      return try Value(from: self)
    } catch let error as PostgresError {
      throw error
    } catch let error as DecodingError {
      throw PostgresError(.decoding, "row \(row) cannot be read as \(type): \(error.withoutData)")
    } catch {
      throw PostgresError(.decoding, "row \(row) cannot be read as \(type): its initializer threw", cause: error)
    }
  }

  // MARK: Keys

  /// The position of the key's step. Keys asked for twice get two steps.
  func step(_ key: String) -> Int {
    if position < steps.count, steps[position].key == key {
      position += 1
      return position - 1
    }
    if let known = steps.firstIndex(where: { $0.key == key }) {
      position = known + 1
      return known
    }
    let column = find(key)
    let type = column.map { columns[$0].type }
    steps.append(Step(key: key, column: Int32(column ?? -1), isJSON: type == .json || type == .jsonb))
    position = steps.count
    return position - 1
  }

  private func find(_ key: String) -> Int? {
    columns.position(of: key) ?? (naming == .snakeCase ? columns.position(of: SnakeCase.from(key)) : nil)
  }

  /// Whether a column is there for the step.
  func hasColumn(_ step: Int) -> Bool { steps[step].column >= 0 }

  func isNull(_ step: Int) -> Bool { result.isNull(row: row, column: steps[step].column) }

  /// The column of the step, or an error that says which there are.
  func column(_ step: Int) throws(PostgresError) -> Int32 {
    let column = steps[step].column
    if column < 0 { throw result.missingColumn(steps[step].key) }
    return column
  }

  // MARK: Values

  @inline(__always)
  func value<Value: PostgresDecodable>(_ type: Value.Type, _ step: Int) throws(PostgresError) -> Value {
    try result.value(type, row: row, column: try column(step))
  }

  func decode<Value: Decodable>(_ type: Value.Type, _ step: Int) throws -> Value {
    let column = try column(step)
    let kind: CellReading
    if let known = steps[step].reading, known.type == ObjectIdentifier(type) {
      kind = known.kind
    } else {
      kind = CellReading(type, isJSON: steps[step].isJSON)
      steps[step].reading = (ObjectIdentifier(type), kind)
    }
    return try kind.read(type, from: result, row: row, column: column)
  }
}

/// How a cell becomes a value of a `Decodable` type.
enum CellReading {
  /// The type reads cells itself.
  case cell(any PostgresDecodable.Type)
  /// The cell is a JSON document, and the type reads that.
  case json
  /// The type reads a single value, as enumerations and wrappers do.
  case single

  init(_ type: any Decodable.Type, isJSON: Bool) {
    let cell = type as? any PostgresDecodable.Type
    switch (cell, isJSON) {
    case (let cell?, true) where cell is any ReadsJSONCells.Type: self = .cell(cell)
    case (_, true): self = .json
    case (let cell?, false): self = .cell(cell)
    case (nil, false): self = .single
    }
  }

  func read<Value: Decodable>(
    _ type: Value.Type, from result: PostgresResult, row: Int32, column: Int32
  ) throws -> Value {
    switch self {
    case .cell(let cell): try CellReading.read(cell, as: type, result, row, column)
    case .json: try result.json(type, row: row, column: column)
    case .single: try Value(from: CellDecoder(result: result, row: row, column: column))
    }
  }

  /// `Cell` is `Value`, by another name.
  private static func read<Cell: PostgresDecodable, Value: Decodable>(
    _ cell: Cell.Type, as type: Value.Type, _ result: PostgresResult, _ row: Int32, _ column: Int32
  ) throws(PostgresError) -> Value {
    let value = try result.value(cell, row: row, column: column)
    return withUnsafeBytes(of: value) { $0.load(as: type) }
  }
}

/// Types that read the text or the whole of a JSON column, where others read the document in it.
protocol ReadsJSONCells {}

extension String: ReadsJSONCells {}
extension PostgresJSON: ReadsJSONCells {}
extension JSONValue: ReadsJSONCells {}
extension Optional: ReadsJSONCells where Wrapped: ReadsJSONCells {}

extension PostgresResult {
  fileprivate func json<Value: Decodable>(
    _ type: Value.Type, row: Int32, column: Int32
  ) throws(PostgresError) -> Value {
    do {
      if isNull(row: row, column: column) { return try JSONForm.null(type) }
      return try JSONForm.decode(
        type, from: cell(row: row, column: column, length: length(row: row, column: column)))
    } catch {
      throw located(error, type, row: row, column: column)
    }
  }

  func missingColumn(_ name: String) -> PostgresError {
    let names = columns.prefix(20).map(\.name).joined(separator: ", ")
    return PostgresError(.decoding, "there is no column '\(name)'; the result has: \(names)")
  }
}

/// `dateOfBirth` to `date_of_birth`, `patientID` to `patient_id`, `htmlURLText` to `html_url_text`.
enum SnakeCase {
  static func from(_ key: String) -> String {
    let characters = Array(key)
    var snake = ""
    for (index, character) in characters.enumerated() {
      let next = index + 1 < characters.count ? characters[index + 1] : "_"
      let previous = index > 0 ? characters[index - 1] : "_"
      let beginsWord = character.isUppercase && (!previous.isUppercase || next.isLowercase) && previous != "_"
      if beginsWord { snake += "_" }
      snake += character.lowercased()
    }
    return snake
  }
}
