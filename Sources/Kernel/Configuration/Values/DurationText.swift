/// How a duration is written in the configuration: `30s`, `250ms`, `1h30m`.
enum DurationText {
  private static let units: [(name: String, nanoseconds: Int)] = [
    ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
    ("ms", 1_000_000), ("us", 1000), ("ns", 1),
  ]

  /// The longest duration: a hundred years of 365 days.
  static let longest = Duration.seconds(36_500 * 86_400)

  /// Reads one or several numbers with units, the larger unit first. Nil if it cannot be read or is too long.
  static func parse(_ text: String) -> Duration? {
    var rest = Substring(text)
    var total = 0
    var last = units.startIndex
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      let name = rest.dropFirst(number.count).prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(number.count + name.count)
      guard let unit = units[last...].firstIndex(where: { $0.name == name }),
        let part = DecimalNumber(number)?.times(units[unit].nanoseconds)
      else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(part)
      guard !overflow else { return nil }
      total = sum
      last = unit + 1
    }
    let duration = Duration.nanoseconds(total)
    return text.isEmpty || duration > longest ? nil : duration
  }

  /// The shortest exact spelling: `1m30s`.
  static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0, duration <= longest else { return "\(duration)" }
    var rest = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
    var text = ""
    for unit in units where rest >= unit.nanoseconds {
      text += "\(rest / unit.nanoseconds)\(unit.name)"
      rest %= unit.nanoseconds
    }
    return text.isEmpty ? "0s" : text
  }
}
