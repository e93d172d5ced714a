/// A pattern of date tokens: `YYYY YY MMMM MMM MM M DD D dddd ddd HH H hh h mm m ss s SSS A a Z z`, and `[text]` for words.
struct DatePattern {
  private let pattern: String

  init(_ pattern: String) { self.pattern = pattern }

  private static let tokens = [
    "YYYY", "YY", "MMMM", "MMM", "MM", "M", "DD", "D", "dddd", "ddd", "HH", "H", "hh", "h", "mm", "m", "ss", "s", "SSS",
    "A", "a", "Z", "z",
  ]

  func text(
    of time: CivilTime, in locale: LocaleText, _ call: borrowing HelperCall
  ) throws(TemplateError) -> String {
    guard pattern.utf8.count <= 256 else { throw call.error("a date pattern has 256 characters at most") }
    var result = ""
    var rest = Substring(pattern)
    while let character = rest.first {
      if character == "[", let end = rest.firstIndex(of: "]") {
        result += rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
      } else if let token = Self.tokens.first(where: { rest.hasPrefix($0) }) {
        result += value(of: token, time, locale)
        rest = rest.dropFirst(token.count)
      } else if character.isASCII && character.isLetter && character != "T" {
        throw call.error("'\(character)' is no token of a date pattern; put words into [brackets]")
      } else {
        result.append(character)
        rest.removeFirst()
      }
    }
    return result
  }

  private func value(of token: String, _ time: CivilTime, _ locale: LocaleText) -> String {
    let hour = time.second / 3600
    let half = hour % 12 == 0 ? 12 : hour % 12
    let minute = time.second / 60 % 60
    switch token {
    case "YYYY": return CivilDate.padded(time.date.year, 4)
    case "YY": return CivilDate.padded(time.date.year % 100, 2)
    case "MMMM": return locale.months[time.date.month - 1]
    case "MMM": return locale.shortMonths[time.date.month - 1]
    case "MM": return CivilDate.padded(time.date.month, 2)
    case "M": return String(time.date.month)
    case "DD": return CivilDate.padded(time.date.day, 2)
    case "D": return String(time.date.day)
    case "dddd": return locale.weekdays[time.date.weekday]
    case "ddd": return locale.shortWeekdays[time.date.weekday]
    case "HH": return CivilDate.padded(hour, 2)
    case "H": return String(hour)
    case "hh": return CivilDate.padded(half, 2)
    case "h": return String(half)
    case "mm": return CivilDate.padded(minute, 2)
    case "m": return String(minute)
    case "ss": return CivilDate.padded(time.second % 60, 2)
    case "s": return String(time.second % 60)
    case "SSS": return CivilDate.padded(time.millisecond, 3)
    case "A": return hour < 12 ? "AM" : "PM"
    case "a": return hour < 12 ? "am" : "pm"
    case "z": return time.zone
    default:
      let minutes = abs(time.offset) / 60
      return (time.offset < 0 ? "-" : "+") + CivilDate.padded(minutes / 60, 2) + ":" + CivilDate.padded(minutes % 60, 2)
    }
  }
}
