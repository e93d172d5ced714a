/// A `time`: a time of day without a time zone, to the microsecond, up to 24:00:00.
public struct PostgresTime: Sendable, Hashable, Comparable {
  /// Microseconds since midnight, from 0 to 86,400,000,000.
  public let microseconds: Int64

  /// A time of day; nil if it is not in the day.
  public init?(microseconds: Int64) {
    guard (0...Calendar.microsecondsPerDay).contains(microseconds) else { return nil }
    self.microseconds = microseconds
  }

  /// A time of day; nil if there is no such time.
  public init?(hour: Int, minute: Int, second: Int = 0, microsecond: Int = 0) {
    guard (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second),
      (0..<1_000_000).contains(microsecond)
    else { return nil }
    microseconds = Int64((hour * 60 + minute) * 60 + second) * Calendar.microsecondsPerSecond + Int64(microsecond)
  }

  /// Whether the left one is earlier.
  public static func < (left: PostgresTime, right: PostgresTime) -> Bool { left.microseconds < right.microseconds }
}

extension PostgresTime: LosslessStringConvertible {
  /// Reads `04:05`, `04:05:06` or `04:05:06.789`.
  public init?(_ text: String) {
    var cursor = TextCursor(text.utf8)
    guard let time = cursor.timeOfDay(), cursor.isAtEnd else { return nil }
    self.init(microseconds: time)
  }

  /// The time as the server writes it.
  public var description: String { Calendar.text(microsecondsOfDay: microseconds) }
}

extension PostgresTime: PostgresCodable {
  /// `time`
  public static var postgresType: PostgresType { .time }

  /// Appends the time.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) { writer.write(integer: microseconds) }

  /// Reads a `time`.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard cell.type == .time else { throw cell.unsupported() }
    if cell.format == .text {
      self = try cell.parsed()
      return
    }
    guard let time = PostgresTime(microseconds: try cell.integer()) else { throw cell.malformed() }
    self = time
  }
}

extension PostgresTime: Codable {
  /// Reads the text of a time.
  public init(from decoder: any Decoder) throws { self = try decoder.parsed() }
  /// Writes the text of the time.
  public func encode(to encoder: any Encoder) throws { try encoder.write(self) }
}
