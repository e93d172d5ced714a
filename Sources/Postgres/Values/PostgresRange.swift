/// A range of the server: `int4range`, `int8range`, `numrange`, `tsrange`, `tstzrange`, `daterange`. The server writes
/// ranges of integers and days with the lower bound in and the upper bound out.
public struct PostgresRange<Bound: PostgresRangeBound>: Sendable, Hashable {
  /// One end of a range.
  public enum End: Sendable, Hashable {
    /// The range includes the bound.
    case including(Bound)
    /// The range ends just before the bound, or begins just behind it.
    case excluding(Bound)
    /// The range has no end here.
    case unbounded
  }

  private let ends: Ends?

  private struct Ends: Sendable, Hashable {
    let lower: End
    let upper: End
  }

  /// A range between two ends.
  public init(lower: End, upper: End) { ends = Ends(lower: lower, upper: upper) }

  /// A range without anything in it.
  public static var empty: PostgresRange { PostgresRange() }

  private init() { ends = nil }

  /// Whether nothing is in it.
  public var isEmpty: Bool { ends == nil }
  /// Where it begins; nil if it is empty.
  public var lower: End? { ends?.lower }
  /// Where it ends; nil if it is empty.
  public var upper: End? { ends?.upper }
}

/// A type of which the server has ranges.
public protocol PostgresRangeBound: PostgresCodable, Hashable {
  /// The type of its ranges.
  static var postgresRangeType: PostgresType { get }
}

extension Int32: PostgresRangeBound {
  /// `int4range`
  public static var postgresRangeType: PostgresType { PostgresType(rawValue: 3904) }
}

extension Int: PostgresRangeBound {
  /// `int8range`
  public static var postgresRangeType: PostgresType { PostgresType(rawValue: 3926) }
}

extension PostgresNumeric: PostgresRangeBound {
  /// `numrange`
  public static var postgresRangeType: PostgresType { PostgresType(rawValue: 3906) }
}

extension PostgresLocalTimestamp: PostgresRangeBound {
  /// `tsrange`
  public static var postgresRangeType: PostgresType { PostgresType(rawValue: 3908) }
}

extension PostgresTimestamp: PostgresRangeBound {
  /// `tstzrange`
  public static var postgresRangeType: PostgresType { PostgresType(rawValue: 3910) }
}

extension PostgresDate: PostgresRangeBound {
  /// `daterange`
  public static var postgresRangeType: PostgresType { PostgresType(rawValue: 3912) }
}

// The binary form (`range_send` in PostgreSQL's rangetypes.c): a byte of flags, then each bound that is there, preceded
// by its length. Only the binary form is read.
extension PostgresRange: PostgresCodable {
  private enum Flags {
    static var empty: UInt8 { 0x01 }
    static var lowerIncluded: UInt8 { 0x02 }
    static var upperIncluded: UInt8 { 0x04 }
    static var lowerUnbounded: UInt8 { 0x08 }
    static var upperUnbounded: UInt8 { 0x10 }
  }

  /// The range type of the bounds.
  public static var postgresType: PostgresType { Bound.postgresRangeType }

  /// Appends the range.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    guard let ends else { return writer.write(Flags.empty) }
    writer.write(
      ends.lower.flags(included: Flags.lowerIncluded, unbounded: Flags.lowerUnbounded)
        | ends.upper.flags(included: Flags.upperIncluded, unbounded: Flags.upperUnbounded))
    for bound in [ends.lower.bound, ends.upper.bound] {
      guard let bound else { continue }
      try writer.writeLengthPrefixed { writer throws(PostgresError) in
        try bound.encode(into: &writer)
        return true
      }
    }
  }

  /// Reads a range in binary form.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard cell.type == Bound.postgresRangeType else { throw cell.unsupported() }
    guard cell.format == .binary else {
      throw PostgresError(.decoding, "ranges are read in binary form only; use a statement with parameters")
    }
    var reader = PostgresReader(cell.bytes)
    let flags: UInt8 = try reader.integer()
    if flags & Flags.empty != 0 {
      self = .empty
    } else {
      self.init(
        lower: try End(&reader, isIncluded: flags & Flags.lowerIncluded != 0, flags & Flags.lowerUnbounded != 0),
        upper: try End(&reader, isIncluded: flags & Flags.upperIncluded != 0, flags & Flags.upperUnbounded != 0))
    }
    guard reader.remaining == 0 else { throw cell.malformed() }
  }
}

extension PostgresRange.End {
  fileprivate var bound: Bound? {
    switch self {
    case .including(let bound), .excluding(let bound): bound
    case .unbounded: nil
    }
  }

  fileprivate func flags(included: UInt8, unbounded: UInt8) -> UInt8 {
    switch self {
    case .including: included
    case .excluding: 0
    case .unbounded: unbounded
    }
  }

  fileprivate init(
    _ reader: inout PostgresReader, isIncluded: Bool, _ isUnbounded: Bool
  ) throws(PostgresError) {
    if isUnbounded {
      self = .unbounded
      return
    }
    guard let bytes = try reader.lengthPrefixed() else { throw PostgresCell.malformed("range in binary form") }
    let bound = try Bound(from: PostgresCell(bytes: bytes, type: Bound.postgresType, format: .binary))
    self = isIncluded ? .including(bound) : .excluding(bound)
  }
}
