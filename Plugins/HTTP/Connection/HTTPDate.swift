import Glibc
import Synchronization

/// The `Date` header, written once a second.
final class HTTPDate: Sendable {
  private let cache = Mutex((second: Int.min, text: ""))

  /// `Sat, 31 Jan 2026 12:00:00 GMT`
  var now: String {
    let second = time(nil)
    return cache.withLock { cache in
      if cache.second != second { cache = (second, HTTPDate.format(second)) }
      return cache.text
    }
  }

  /// A number of seconds since 1970 as HTTP writes it (RFC 9110, section 5.6.7).
  static func format(_ second: Int) -> String {
    var second = second
    var parts = tm()
    gmtime_r(&second, &parts)
    let day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][Int(parts.tm_wday)]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let date = "\(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + Int(parts.tm_year))"
    return "\(day), \(date) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
  }

  private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
