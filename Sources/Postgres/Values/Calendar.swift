/// The proleptic Gregorian calendar, counted in days and microseconds from 2000-01-01, as PostgreSQL counts.
///
/// Days from and to dates: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". Year 0 is 1 BC.
enum Calendar {
  static let microsecondsPerSecond: Int64 = 1_000_000
  static let microsecondsPerDay: Int64 = 86_400 * microsecondsPerSecond
  /// From 0000-03-01, where the algorithm counts from, to 2000-01-01.
  private static let daysBefore2000: Int64 = 730_425

  static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - daysBefore2000
  }

  static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + daysBefore2000
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  static func isDate(year: Int64, month: Int64, day: Int64) -> Bool {
    guard (1...12).contains(month), day >= 1 else { return false }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let length: Int64 = month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    return day <= length
  }
}

// The texts of dates and times in ISO 8601, as the server writes them (DateStyle ISO).
extension Calendar {
  /// `2024-02-29` or `0044-03-15`; BC is said at the end of the text, behind a time if there is one.
  static func text(days: Int64) -> (text: String, isBC: Bool) {
    let (year, month, day) = date(days: days)
    let isBC = year <= 0
    return ("\(padded(isBC ? 1 - year : year, to: 4))-\(padded(month, to: 2))-\(padded(day, to: 2))", isBC)
  }

  /// `04:05:06.789`
  static func text(microsecondsOfDay: Int64) -> String {
    let seconds = microsecondsOfDay / microsecondsPerSecond
    let fraction = microsecondsOfDay % microsecondsPerSecond
    let time = "\(padded(seconds / 3_600, to: 2)):\(padded(seconds / 60 % 60, to: 2)):\(padded(seconds % 60, to: 2))"
    if fraction == 0 { return time }
    let digits = padded(fraction, to: 6)
    return "\(time).\(digits[..<(digits.lastIndex { $0 != "0" }.map(digits.index(after:)) ?? digits.endIndex)])"
  }

  private static func padded(_ number: Int64, to width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

extension TextCursor {
  /// A date, year first. `BC` at the end of the text is the caller's to apply, by `days(isBC:)`.
  mutating func date() -> (year: Int64, month: Int64, day: Int64)? {
    guard let year = number(digits: 4...7), accept("-"), let month = number(digits: 2...2), accept("-"),
      let day = number(digits: 2...2)
    else { return nil }
    return (Int64(year), Int64(month), Int64(day))
  }

  /// A time of day, in microseconds; 24:00:00 is the end of the day.
  mutating func timeOfDay() -> Int64? {
    guard let hours = number(digits: 2...2), accept(":"), let minutes = number(digits: 2...2), minutes < 60 else {
      return nil
    }
    var seconds = 0
    var fraction = 0
    if accept(":") {
      guard let whole = number(digits: 2...2), let part = millionths(), whole <= 60 else { return nil }
      (seconds, fraction) = (whole, part)
    }
    let time = Int64((hours * 60 + minutes) * 60 + seconds) * Calendar.microsecondsPerSecond + Int64(fraction)
    return time <= Calendar.microsecondsPerDay ? time : nil
  }

  /// `Z`, `+02`, `-03:30` or `+01:23:45`: how far the place is ahead of UTC, in microseconds. nil if there is none.
  mutating func offset() -> Int64? {
    if accept("Z") { return 0 }
    let isBehind = accept("-")
    guard isBehind || accept("+"), let hours = number(digits: 2...2) else { return nil }
    var seconds = hours * 3_600
    if accept(":") {
      guard let minutes = number(digits: 2...2) else { return nil }
      seconds += minutes * 60
      if accept(":") {
        guard let more = number(digits: 2...2) else { return nil }
        seconds += more
      }
    }
    return Int64(isBehind ? -seconds : seconds) * Calendar.microsecondsPerSecond
  }

  /// The day of a date that was read; the end of the text says whether it was before Christ.
  mutating func days(of date: (year: Int64, month: Int64, day: Int64)) -> Int64? {
    let isBC = accept(word: " BC")
    let year = isBC ? 1 - date.year : date.year
    guard isAtEnd, date.year > 0, Calendar.isDate(year: year, month: date.month, day: date.day) else { return nil }
    return Calendar.days(year: year, month: date.month, day: date.day)
  }
}
