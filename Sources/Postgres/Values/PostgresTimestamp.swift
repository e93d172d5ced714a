/// A `timestamp with time zone`: an instant, to the microsecond; or one of the infinities, which are before and after
/// all instants. `Date` can be sent and read in its place, but keeps microseconds only from 1757 to 2242 and knows no
/// infinity.
public struct PostgresTimestamp: Sendable, Hashable, Comparable {
  /// Microseconds since 2000-01-01 00:00 UTC; the smallest and the largest number stand for the infinities.
  public let microsecondsSince2000: Int64

  /// After all instants.
  public static let infinity = PostgresTimestamp(microsecondsSince2000: .max)
  /// Before all instants.
  public static let negativeInfinity = PostgresTimestamp(microsecondsSince2000: .min)

  /// An instant by its distance from 2000-01-01 00:00 UTC.
  public init(microsecondsSince2000: Int64) { self.microsecondsSince2000 = microsecondsSince2000 }

  /// Whether it is an instant and no infinity.
  public var isFinite: Bool { self != .infinity && self != .negativeInfinity }

  /// Whether the left one is earlier.
  public static func < (left: PostgresTimestamp, right: PostgresTimestamp) -> Bool {
    left.microsecondsSince2000 < right.microsecondsSince2000
  }
}

extension PostgresTimestamp: LosslessStringConvertible {
  /// Reads `2024-02-29 12:00:00.5+02`, the same with a `T`, `… BC`, `infinity` or `-infinity`.
  public init?(_ text: String) {
    guard let microseconds = TimestampText.read(text, hasOffset: true) else { return nil }
    self.init(microsecondsSince2000: microseconds)
  }

  /// The instant in UTC, as the server writes it.
  public var description: String { TimestampText.write(microsecondsSince2000, offset: "+00") }
}

extension PostgresTimestamp: PostgresCodable {
  /// `timestamptz`
  public static var postgresType: PostgresType { .timestamptz }

  /// Appends the instant.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: microsecondsSince2000)
  }

  /// Reads a `timestamptz`, or a `timestamp`, which is taken to be in UTC.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    switch (cell.type, cell.format) {
    case (.timestamptz, .binary), (.timestamp, .binary): self.init(microsecondsSince2000: try cell.integer())
    case (.timestamptz, .text): self = try cell.parsed()
    case (.timestamp, .text):
      let local: PostgresLocalTimestamp = try cell.parsed()
      self.init(microsecondsSince2000: local.microsecondsSince2000)
    default: throw cell.unsupported()
    }
  }
}

extension PostgresTimestamp: Codable {
  /// Reads the text of an instant.
  public init(from decoder: any Decoder) throws { self = try decoder.parsed() }
  /// Writes the text of the instant.
  public func encode(to encoder: any Encoder) throws { try encoder.write(self) }
}

/// A `timestamp without time zone`: what a calendar and a clock on the wall show, at a place that is not said.
public struct PostgresLocalTimestamp: Sendable, Hashable, Comparable {
  /// Microseconds since 2000-01-01 00:00 on the same clock; the smallest and the largest number are the infinities.
  public let microsecondsSince2000: Int64

  /// After all others.
  public static let infinity = PostgresLocalTimestamp(microsecondsSince2000: .max)
  /// Before all others.
  public static let negativeInfinity = PostgresLocalTimestamp(microsecondsSince2000: .min)

  /// By its distance from 2000-01-01 00:00 on the same clock.
  public init(microsecondsSince2000: Int64) { self.microsecondsSince2000 = microsecondsSince2000 }

  /// What a clock in UTC shows at an instant.
  public init(utc instant: PostgresTimestamp) { self.init(microsecondsSince2000: instant.microsecondsSince2000) }

  /// Whether it is neither of the infinities.
  public var isFinite: Bool { self != .infinity && self != .negativeInfinity }

  /// Whether the left one is earlier on the same clock.
  public static func < (left: PostgresLocalTimestamp, right: PostgresLocalTimestamp) -> Bool {
    left.microsecondsSince2000 < right.microsecondsSince2000
  }
}

extension PostgresLocalTimestamp: LosslessStringConvertible {
  /// Reads `2024-02-29 12:00:00.5`, the same with a `T`, `… BC`, `infinity` or `-infinity`.
  public init?(_ text: String) {
    guard let microseconds = TimestampText.read(text, hasOffset: false) else { return nil }
    self.init(microsecondsSince2000: microseconds)
  }

  /// Date and time, as the server writes them.
  public var description: String { TimestampText.write(microsecondsSince2000, offset: "") }
}

extension PostgresLocalTimestamp: PostgresCodable {
  /// `timestamp`
  public static var postgresType: PostgresType { .timestamp }

  /// Appends date and time.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: microsecondsSince2000)
  }

  /// Reads a `timestamp`.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard cell.type == .timestamp else { throw cell.unsupported() }
    switch cell.format {
    case .binary: self.init(microsecondsSince2000: try cell.integer())
    case .text: self = try cell.parsed()
    }
  }
}

extension PostgresLocalTimestamp: Codable {
  /// Reads the text of date and time.
  public init(from decoder: any Decoder) throws { self = try decoder.parsed() }
  /// Writes the text of date and time.
  public func encode(to encoder: any Encoder) throws { try encoder.write(self) }
}

/// Date and time of day in one text.
private enum TimestampText {
  static func read(_ text: String, hasOffset: Bool) -> Int64? {
    if text == "infinity" { return .max }
    if text == "-infinity" { return .min }
    var cursor = TextCursor(text.utf8)
    guard let date = cursor.date(), cursor.accept(" ") || cursor.accept("T"), let time = cursor.timeOfDay() else {
      return nil
    }
    var offset: Int64 = 0
    if hasOffset {
      guard let ahead = cursor.offset() else { return nil }
      offset = ahead
    }
    guard let days = cursor.days(of: date) else { return nil }
    let (midnight, overflow) = days.multipliedReportingOverflow(by: Calendar.microsecondsPerDay)
    let (instant, carry) = midnight.addingReportingOverflow(time - offset)
    return overflow || carry ? nil : instant
  }

  static func write(_ microseconds: Int64, offset: String) -> String {
    if microseconds == .max { return "infinity" }
    if microseconds == .min { return "-infinity" }
    var (days, time) = microseconds.quotientAndRemainder(dividingBy: Calendar.microsecondsPerDay)
    if time < 0 {
      days -= 1
      time += Calendar.microsecondsPerDay
    }
    let (date, isBC) = Calendar.text(days: days)
    return "\(date) \(Calendar.text(microsecondsOfDay: time))\(offset)\(isBC ? " BC" : "")"
  }
}
