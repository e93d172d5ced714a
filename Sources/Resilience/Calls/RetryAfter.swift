/// The HTTP field `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
public enum RetryAfter {
  /// The time to wait; nil if the text has neither form. A date that has passed is zero.
  /// - Parameter timeSinceEpoch: Now, as time since 1970, for dates.
  public static func duration(_ text: some StringProtocol, timeSinceEpoch now: Duration) -> Duration? {
    let text = text.drop { $0 == " " }
    if let first = text.utf8.first, first >= UInt8(ascii: "0"), first <= UInt8(ascii: "9") {
      let digits = text.prefix { $0 != " " }
      guard digits.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return nil }
      // Ten digits are three hundred years: more is as good as never.
      return .seconds(digits.utf8.count > 10 ? 10_000_000_000 : Int64(digits) ?? 0)
    }
    guard let date = date(text) else { return nil }
    return max(.zero, date - now)
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`, as time since 1970.
  private static func date(_ text: some StringProtocol) -> Duration? {
    let parts = text.split(separator: " ")
    guard parts.count >= 6, parts[0].hasSuffix(","), parts[5] == "GMT",
      let day = Int(parts[1]), (1...31).contains(day), let month = months.firstIndex(of: String(parts[2])),
      let year = Int(parts[3]), (1970...9999).contains(year)
    else { return nil }
    let time = parts[4].split(separator: ":").compactMap { Int($0) }
    guard time.count == 3, (0...23).contains(time[0]), (0...59).contains(time[1]), (0...60).contains(time[2]) else {
      return nil
    }
    return .seconds(days(year, month + 1, day) * 86_400 + time[0] * 3600 + time[1] * 60 + time[2])
  }

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Days since 1970-01-01 in the Gregorian calendar, counting years from March so that the leap day is the last.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month > 2 ? year : year - 1
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
  }
}
