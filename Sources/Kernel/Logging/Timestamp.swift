/// Dates without Foundation.
enum Timestamp {
  /// `2026-11-21T05:28:21.123Z`: RFC 3339, UTC, milliseconds. From a time since 1970.
  static func rfc3339(_ time: Duration) -> String {
    let (seconds, attoseconds) = time.components
    // Before 1970 the fraction is negative: it is taken from the second before.
    let fraction = attoseconds.floorDiv(1_000_000_000_000_000)
    let milliseconds = fraction < 0 ? fraction + 1000 : fraction
    let whole = fraction < 0 ? seconds - 1 : seconds
    let day = whole.floorDiv(86_400)
    let second = whole - day * 86_400
    let date = civil(day)
    return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))T"
      + "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2)).\(padded(milliseconds, 3))Z"
  }

  /// Year, month and day of a day counted from 1970-01-01. Years begin in March, so that the leap day is the last one;
  /// 400 of them, an era, have 146,097 days.
  private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = shifted.floorDiv(146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  private static func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}

extension Int64 {
  fileprivate func floorDiv(_ divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
