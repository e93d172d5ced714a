/// An `interval`: months, days and microseconds, each counted for itself, since months and days differ in length.
/// Equal means equal in all three; the server also takes 30 days for a month when it compares.
public struct PostgresInterval: Sendable, Hashable {
  /// Months.
  public var months: Int32
  /// Days.
  public var days: Int32
  /// Microseconds.
  public var microseconds: Int64

  /// An interval.
  public init(months: Int32 = 0, days: Int32 = 0, microseconds: Int64 = 0) {
    self.months = months
    self.days = days
    self.microseconds = microseconds
  }

  /// The interval of a duration, to the microsecond, or nil if it is longer than 292,000 years.
  public init?(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: Calendar.microsecondsPerSecond)
    let (microseconds, carry) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
    if overflow || carry { return nil }
    self.init(microseconds: microseconds)
  }

  /// The duration, a day taken for 24 hours; nil if there are months in it.
  public var duration: Duration? {
    months == 0 ? .microseconds(microseconds) + .seconds(Int64(days) * 86_400) : nil
  }
}

extension PostgresInterval: LosslessStringConvertible {
  private static let units: [(singular: StaticString, months: Int64, days: Int64)] = [
    ("year", 12, 0), ("mon", 1, 0), ("day", 0, 1),
  ]

  /// Reads `1 year 2 mons -3 days -04:05:06.789`, as the server writes it with IntervalStyle `postgres`.
  public init?(_ text: String) {
    var cursor = TextCursor(text.utf8)
    var months: Int64 = 0
    var days: Int64 = 0
    var time: Int64 = 0
    if cursor.isAtEnd { return nil }
    while !cursor.isAtEnd {
      let isNegative = cursor.accept("-")
      if !isNegative { _ = cursor.accept("+") }
      guard let number = cursor.number(digits: 1...10).map(Int64.init) else { return nil }
      if cursor.accept(" ") {
        guard let unit = PostgresInterval.units.first(where: { cursor.accept(word: $0.singular) }) else { return nil }
        _ = cursor.accept("s")
        months += unit.months * (isNegative ? -number : number)
        days += unit.days * (isNegative ? -number : number)
        // Far more than fits, and far from where adding would overflow.
        guard months.magnitude < 1 << 40, days.magnitude < 1 << 40 else { return nil }
      } else {
        guard let rest = cursor.minutesAndSeconds(), number < 2_562_047_789 else { return nil }
        let (sum, overflow) = (number * 3_600 * Calendar.microsecondsPerSecond).addingReportingOverflow(rest)
        guard !overflow, cursor.isAtEnd else { return nil }
        time = isNegative ? -sum : sum
      }
      if !cursor.isAtEnd, !cursor.accept(" ") { return nil }
    }
    guard let months = Int32(exactly: months), let days = Int32(exactly: days) else { return nil }
    self.init(months: months, days: days, microseconds: time)
  }

  /// The interval as the server writes it with IntervalStyle `postgres`.
  public var description: String {
    var parts: [String] = []
    let (years, rest) = months.quotientAndRemainder(dividingBy: 12)
    for (count, unit) in [(years, "year"), (rest, "mon"), (days, "day")] where count != 0 {
      let sign = count > 0 && parts.last?.hasPrefix("-") == true ? "+" : ""
      parts.append("\(sign)\(count) \(unit)\(count == 1 ? "" : "s")")
    }
    if microseconds != 0 || parts.isEmpty {
      let sign = microseconds < 0 ? "-" : parts.last?.hasPrefix("-") == true ? "+" : ""
      parts.append(sign + PostgresInterval.text(microseconds.magnitude))
    }
    return parts.joined(separator: " ")
  }

  private static func text(_ microseconds: UInt64) -> String {
    let perHour = UInt64(3_600 * Calendar.microsecondsPerSecond)
    let hours = String(microseconds / perHour)
    let rest = Calendar.text(microsecondsOfDay: Int64(microseconds % perHour)).dropFirst(2)
    return (hours.count < 2 ? "0\(hours)" : hours) + rest
  }
}

extension TextCursor {
  /// `:05:06.789`, in microseconds.
  fileprivate mutating func minutesAndSeconds() -> Int64? {
    guard accept(":"), let minutes = number(digits: 2...2), accept(":"), let seconds = number(digits: 2...2),
      let fraction = millionths(), minutes < 60, seconds < 60
    else { return nil }
    return Int64(minutes * 60 + seconds) * Calendar.microsecondsPerSecond + Int64(fraction)
  }
}

extension PostgresInterval: PostgresCodable {
  /// `interval`
  public static var postgresType: PostgresType { .interval }

  /// Appends the interval.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: microseconds)
    writer.write(integer: days)
    writer.write(integer: months)
  }

  /// Reads an `interval`.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard cell.type == .interval else { throw cell.unsupported() }
    if cell.format == .text {
      self = try cell.parsed()
      return
    }
    var reader = PostgresReader(cell.bytes)
    let microseconds: Int64 = try reader.integer()
    let days: Int32 = try reader.integer()
    let months: Int32 = try reader.integer()
    guard reader.remaining == 0 else { throw cell.malformed() }
    self.init(months: months, days: days, microseconds: microseconds)
  }
}

extension PostgresInterval: Codable {
  /// Reads the text of an interval.
  public init(from decoder: any Decoder) throws { self = try decoder.parsed() }
  /// Writes the text of the interval.
  public func encode(to encoder: any Encoder) throws { try encoder.write(self) }
}

extension Duration: PostgresCodable {
  /// `interval`
  public static var postgresType: PostgresType { .interval }

  /// Appends the duration, to the microsecond. Throws if it is longer than 292,000 years.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    guard let interval = PostgresInterval(self) else {
      throw PostgresError(.encoding, "the duration is longer than an interval can hold")
    }
    try interval.encode(into: &writer)
  }

  /// Reads an `interval` without months, a day taken for 24 hours.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard let duration = try PostgresInterval(from: cell).duration else {
      throw PostgresError(.decoding, "the interval has months, which have no fixed length; read a PostgresInterval")
    }
    self = duration
  }
}
