/// The rule that ends a time zone file, such as `EST5EDT,M3.2.0,M11.1.0` (POSIX TZ, RFC 8536 section 3.3).
struct TimeZoneRule {
  private struct Change {
    let month, week, weekday, second: Int
  }

  private var standardName = ""
  private var standardOffset = 0
  private var summerName = ""
  private var summerOffset = 0
  private var begin: Change?
  private var end: Change?

  /// Nil if the text is empty or in a form that tzdata does not use.
  init?(_ text: String) {
    var reader = RuleReader(text)
    guard let name = reader.name(), let offset = reader.time() else { return nil }
    standardName = name
    standardOffset = -offset
    guard let summer = reader.name() else { return }
    summerName = summer
    summerOffset = reader.time().map { -$0 } ?? standardOffset + 3600
    guard reader.accept(","), let first = change(&reader), reader.accept(","), let second = change(&reader) else {
      return nil
    }
    begin = first
    end = second
  }

  private func change(_ reader: inout RuleReader) -> Change? {
    guard reader.accept("M"), let month = reader.number(), reader.accept("."), let week = reader.number(),
      reader.accept("."), let weekday = reader.number(), (1...12).contains(month), (1...5).contains(week), weekday < 7
    else { return nil }
    let second = reader.accept("/") ? reader.time() : 7200
    return second.map { Change(month: month, week: week, weekday: weekday, second: $0) }
  }

  func offset(at moment: Int64) -> (seconds: Int, name: String) {
    guard let begin, let end else { return (standardOffset, standardName) }
    let local = moment + Int64(standardOffset)
    let day = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
    guard let date = CivilDate(dayNumber: Int(clamping: day)) else { return (standardOffset, standardName) }
    let summer = start(begin, date.year) - Int64(standardOffset)
    let winter = start(end, date.year) - Int64(summerOffset)
    let isSummer = summer < winter ? moment >= summer && moment < winter : moment >= summer || moment < winter
    return isSummer ? (summerOffset, summerName) : (standardOffset, standardName)
  }

  /// When a change happens in a year, in seconds on the clock on the wall.
  private func start(_ change: Change, _ year: Int) -> Int64 {
    guard let first = CivilDate(year: year, month: change.month, day: 1) else { return 0 }
    var day = 1 + (change.weekday - first.weekday + 7) % 7 + (change.week - 1) * 7
    while day > CivilDate.days(in: change.month, of: year) { day -= 7 }
    return Int64(first.dayNumber + day - 1) * 86_400 + Int64(change.second)
  }
}

private struct RuleReader {
  private var rest: Substring

  init(_ text: String) {
    rest = Substring(text.filter { $0 != "\n" })
  }

  mutating func accept(_ character: Character) -> Bool {
    guard rest.first == character else { return false }
    rest.removeFirst()
    return true
  }

  mutating func name() -> String? {
    if accept("<") {
      let name = String(rest.prefix { $0 != ">" })
      rest = rest.dropFirst(name.count + 1)
      return name
    }
    let name = String(rest.prefix { $0.isLetter })
    rest = rest.dropFirst(name.count)
    return name.isEmpty ? nil : name
  }

  mutating func number() -> Int? {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }.prefix(4)
    rest = rest.dropFirst(digits.count)
    return Int(digits)
  }

  /// Hours, minutes and seconds, with a sign.
  mutating func time() -> Int? {
    let sign = accept("-") ? -1 : 1
    if sign == 1 { _ = accept("+") }
    guard let hours = number() else { return nil }
    var seconds = hours * 3600
    if accept(":") { seconds += (number() ?? 0) * 60 }
    if accept(":") { seconds += number() ?? 0 }
    return sign * seconds
  }
}
