// The binary form (`numeric_send` in PostgreSQL's numeric.c): the number of digits to base 10,000, the weight of the
// first, a word for the sign or the kind, the scale, then the digits, each in two bytes.

extension PostgresNumeric: PostgresCodable {
  private enum Sign {
    static let positive: UInt16 = 0
    static let negative: UInt16 = 0x4000
    static let nan: UInt16 = 0xC000
    static let infinity: UInt16 = 0xD000
    static let negativeInfinity: UInt16 = 0xF000
  }

  /// `numeric`
  public static var postgresType: PostgresType { .numeric }

  /// Appends the number.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    guard let count = UInt16(exactly: digits.count), let weight = Int16(exactly: weight), scale <= Self.maximumScale
    else { throw PostgresError(.encoding, "the number has more digits than numeric can hold") }
    let sign =
      switch kind {
      case .finite: isNegative ? Sign.negative : Sign.positive
      case .nan: Sign.nan
      case .infinity: Sign.infinity
      case .negativeInfinity: Sign.negativeInfinity
      }
    writer.write(integer: count)
    writer.write(integer: weight)
    writer.write(integer: sign)
    writer.write(integer: UInt16(scale))
    for digit in digits { writer.write(integer: digit) }
  }

  /// Reads a `numeric` or an integer.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    switch (cell.type, cell.format) {
    case (.numeric, .binary): try self.init(binary: cell)
    case (.numeric, .text):
      guard let value = PostgresNumeric(try cell.text()) else { throw cell.malformed() }
      self = value
    case (.int2, _), (.int4, _), (.int8, _): self.init(try cell.integer64())
    default: throw cell.unsupported()
    }
  }

  private init(binary cell: borrowing PostgresCell) throws(PostgresError) {
    var reader = PostgresReader(cell.bytes)
    let count: UInt16 = try reader.integer()
    let weight: Int16 = try reader.integer()
    let sign: UInt16 = try reader.integer()
    let scale: UInt16 = try reader.integer()
    guard reader.remaining == 2 * Int(count), Int(scale) <= PostgresNumeric.maximumScale else { throw cell.malformed() }
    var digits: [UInt16] = []
    digits.reserveCapacity(Int(count))
    for _ in 0..<count {
      let digit: UInt16 = try reader.integer()
      guard digit < 10_000 else { throw cell.malformed() }
      digits.append(digit)
    }
    switch sign {
    case Sign.positive, Sign.negative:
      self.init(isNegative: sign == Sign.negative, digits: digits, weight: Int(weight), scale: Int(scale))
    case Sign.nan: self = .nan
    case Sign.infinity: self = .infinity
    case Sign.negativeInfinity: self = .negativeInfinity
    default: throw cell.malformed()
    }
  }
}
