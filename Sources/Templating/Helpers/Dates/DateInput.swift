/// A date as data has it: a day (`YYYY-MM-DD`), a moment (RFC 3339, or seconds or milliseconds since 1970), or a time of
/// day without a zone.
struct DateInput {
  private enum Form {
    /// A day, or a time of day; the same in every zone.
    case civil(CivilTime)
    case moment(seconds: Int64, milliseconds: Int)
  }

  private let form: Form

  init(secondsSinceEpoch seconds: Int64) { form = .moment(seconds: seconds, milliseconds: 0) }

  /// Numbers of 10¹¹ and more are milliseconds.
  init?(_ value: TemplateValue) {
    switch value {
    case .integer(let number): self.init(number: Double(number))
    case .number(let number): self.init(number: number)
    case .string(let text), .markup(let text): self.init(text)
    default: return nil
    }
  }

  private init?(number: Double) {
    let milliseconds = abs(number) >= 1e11 ? number : number * 1000
    guard milliseconds.isFinite, abs(milliseconds) < 2.6e14, let whole = Int64(exactly: milliseconds.rounded(.down))
    else {
      return nil
    }
    let seconds = whole >= 0 ? whole / 1000 : (whole - 999) / 1000
    form = .moment(seconds: seconds, milliseconds: Int(whole - seconds * 1000))
  }

  init?(_ text: String) {
    var reader = DateReader(text)
    guard let date = reader.date() else { return nil }
    if reader.isAtEnd {
      form = .civil(CivilTime(date: date))
      return
    }
    guard reader.accept("T") || reader.accept(" "), let time = reader.time() else { return nil }
    guard let offset = reader.offset() else {
      guard reader.isAtEnd else { return nil }
      form = .civil(CivilTime(date: date, second: time.second, millisecond: time.millisecond))
      return
    }
    guard reader.isAtEnd else { return nil }
    form = .moment(
      seconds: Int64(date.dayNumber) * 86_400 + Int64(time.second - offset), milliseconds: time.millisecond)
  }

  /// What the calendar and the clock on the wall show in a zone.
  func civil(in zone: TimeZoneFile) -> CivilTime {
    switch form {
    case .civil(let civil): return civil
    case .moment(let seconds, let milliseconds):
      let (offset, name) = zone.offset(at: seconds)
      let local = seconds + Int64(offset)
      let day = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
      guard let date = CivilDate(dayNumber: Int(day)) ?? CivilDate(dayNumber: 0) else {
        return CivilTime(date: CivilDate.epoch)
      }
      return CivilTime(
        date: date, second: Int(local - day * 86_400), millisecond: milliseconds, offset: offset, zone: name)
    }
  }
}

/// Reads the parts of RFC 3339.
private struct DateReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  var isAtEnd: Bool { position == bytes.count }

  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func digits(_ count: Int) -> Int? {
    guard position + count <= bytes.count else { return nil }
    var value = 0
    for byte in bytes[position..<(position + count)] {
      guard byte.isDigit else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    position += count
    return value
  }

  mutating func date() -> CivilDate? {
    guard let year = digits(4), accept("-"), let month = digits(2), accept("-"), let day = digits(2) else { return nil }
    return CivilDate(year: year, month: month, day: day)
  }

  mutating func time() -> (second: Int, millisecond: Int)? {
    guard let hour = digits(2), hour < 24, accept(":"), let minute = digits(2), minute < 60 else { return nil }
    var second = 0
    var millisecond = 0
    if accept(":") {
      guard let value = digits(2), value <= 60 else { return nil }
      second = min(value, 59)
      if accept(".") || accept(",") {
        var scale = 100
        guard position < bytes.count, bytes[position].isDigit else { return nil }
        while let digit = digits(1) {
          millisecond += digit * scale
          scale /= 10
        }
      }
    }
    return (hour * 3600 + minute * 60 + second, millisecond)
  }

  /// Seconds east of Greenwich; nil, with nothing read, if there is no zone.
  mutating func offset() -> Int? {
    if accept("Z") || accept("z") { return 0 }
    let start = position
    let sign = accept("+") ? 1 : accept("-") ? -1 : 0
    guard sign != 0, let hours = digits(2), hours < 24 else {
      position = start
      return nil
    }
    _ = accept(":")
    guard let minutes = digits(2), minutes < 60 else {
      position = start
      return nil
    }
    return sign * (hours * 3600 + minutes * 60)
  }
}

extension CivilDate {
  /// 1970-01-01
  static let epoch = CivilDate(epochYear: 1970)

  private init(epochYear: Int) {
    year = epochYear
    month = 1
    day = 1
  }
}
