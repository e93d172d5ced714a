/// A `date`: a day of the calendar, without time and time zone; or one of the infinities, which are before and after
/// all days.
public struct PostgresDate: Sendable, Hashable, Comparable {
  /// Days since 2000-01-01; the smallest and the largest number stand for the infinities.
  public let daysSince2000: Int32

  /// After all days.
  public static let infinity = PostgresDate(daysSince2000: .max)
  /// Before all days.
  public static let negativeInfinity = PostgresDate(daysSince2000: .min)

  /// A day by its distance from 2000-01-01.
  public init(daysSince2000: Int32) { self.daysSince2000 = daysSince2000 }

  /// A day of the Gregorian calendar, year 0 being 1 BC; nil if there is no such day.
  public init?(year: Int, month: Int, day: Int) {
    guard (-10_000...10_000_000).contains(year), (1...12).contains(month), (1...31).contains(day),
      Calendar.isDate(year: Int64(year), month: Int64(month), day: Int64(day)),
      let days = Int32(exactly: Calendar.days(year: Int64(year), month: Int64(month), day: Int64(day)))
    else { return nil }
    self.init(daysSince2000: days)
  }

  /// Whether it is a day and no infinity.
  public var isFinite: Bool { self != .infinity && self != .negativeInfinity }

  /// Year (0 is 1 BC), month and day; nil for an infinity.
  public var components: (year: Int, month: Int, day: Int)? {
    guard isFinite else { return nil }
    let (year, month, day) = Calendar.date(days: Int64(daysSince2000))
    return (Int(year), Int(month), Int(day))
  }

  /// Whether the left one is earlier.
  public static func < (left: PostgresDate, right: PostgresDate) -> Bool { left.daysSince2000 < right.daysSince2000 }
}

extension PostgresDate: LosslessStringConvertible {
  /// Reads `2024-02-29`, `0044-03-15 BC`, `infinity` or `-infinity`.
  public init?(_ text: String) {
    switch text {
    case "infinity": self = .infinity
    case "-infinity": self = .negativeInfinity
    default:
      var cursor = TextCursor(text.utf8)
      guard let date = cursor.date(), let days = cursor.days(of: date).flatMap({ Int32(exactly: $0) }) else {
        return nil
      }
      self.init(daysSince2000: days)
    }
  }

  /// The day in ISO 8601, as the server writes it.
  public var description: String {
    if !isFinite { return self == .infinity ? "infinity" : "-infinity" }
    let (text, isBC) = Calendar.text(days: Int64(daysSince2000))
    return isBC ? "\(text) BC" : text
  }
}

extension PostgresDate: PostgresCodable {
  /// `date`
  public static var postgresType: PostgresType { .date }

  /// Appends the day.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) { writer.write(integer: daysSince2000) }

  /// Reads a `date`.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard cell.type == .date else { throw cell.unsupported() }
    switch cell.format {
    case .binary: self.init(daysSince2000: try cell.integer())
    case .text: self = try cell.parsed()
    }
  }
}

extension PostgresDate: Codable {
  /// Reads the text of a day.
  public init(from decoder: any Decoder) throws { self = try decoder.parsed() }
  /// Writes the text of the day.
  public func encode(to encoder: any Encoder) throws { try encoder.write(self) }
}
