extension PostgresNumeric: LosslessStringConvertible {
  /// Reads `-12.50`, `1e-7`, `NaN`, `Infinity` and the like; nil for other texts and for numbers out of range.
  public init?(_ text: String) {
    var cursor = TextCursor(text.utf8)
    let isNegative = cursor.accept("-")
    if !isNegative { _ = cursor.accept("+") }
    if let word = PostgresNumeric.word(cursor.rest) {
      if word.isNaN && isNegative { return nil }
      self = isNegative ? .negativeInfinity : word
      return
    }
    let whole = cursor.digits()
    let fraction = cursor.accept(".") ? cursor.digits() : []
    guard !(whole.isEmpty && fraction.isEmpty), let exponent = PostgresNumeric.exponent(&cursor), cursor.isAtEnd
    else { return nil }
    self.init(isNegative: isNegative, decimals: whole + fraction, point: whole.count + exponent)
  }

  private static func word(_ bytes: ArraySlice<UInt8>) -> PostgresNumeric? {
    switch String(decoding: bytes.prefix(9), as: UTF8.self).lowercased() {
    case "nan": .nan
    case "inf", "infinity": .infinity
    default: nil
    }
  }

  private static func exponent(_ cursor: inout TextCursor) -> Int? {
    guard cursor.accept("e") || cursor.accept("E") else { return 0 }
    let isNegative = cursor.accept("-")
    if !isNegative { _ = cursor.accept("+") }
    guard let magnitude = cursor.number(digits: 1...9) else { return nil }
    return isNegative ? -magnitude : magnitude
  }

  /// `decimals` are ASCII digits; the decimal point stands before the one at `point`.
  private init?(isNegative: Bool, decimals: [UInt8], point: Int) {
    let scale = max(0, decimals.count - point)
    let leading = decimals.prefix { $0 == UInt8(ascii: "0") }.count
    let integerDigits = point - leading
    guard scale <= PostgresNumeric.maximumScale, integerDigits <= PostgresNumeric.maximumIntegerDigits else {
      return nil
    }
    // Groups of four begin at the point, so the first may want zeros before it, and the last zeros behind it.
    let significant = decimals[leading...]
    let before = ((-integerDigits % 4) + 4) % 4
    var digits: [UInt16] = []
    digits.reserveCapacity((before + significant.count + 3) / 4)
    var group: UInt16 = 0
    var filled = before
    for byte in significant {
      group = group * 10 + UInt16(byte - UInt8(ascii: "0"))
      filled += 1
      if filled == 4 {
        digits.append(group)
        group = 0
        filled = 0
      }
    }
    for place in filled..<4 where filled > 0 {
      group *= 10
      if place == 3 { digits.append(group) }
    }
    self.init(isNegative: isNegative, digits: digits, weight: (before + integerDigits) / 4 - 1, scale: scale)
  }

  /// The number as the server prints it.
  public var description: String {
    switch kind {
    case .nan: return "NaN"
    case .infinity: return "Infinity"
    case .negativeInfinity: return "-Infinity"
    case .finite: break
    }
    var text: [UInt8] = isNegative ? [UInt8(ascii: "-")] : []
    appendInteger(to: &text)
    if scale > 0 { appendFraction(to: &text) }
    return String(decoding: text, as: UTF8.self)
  }

  private func appendInteger(to text: inout [UInt8]) {
    guard weight >= 0, let first = digits.first else { return text.append(UInt8(ascii: "0")) }
    text.append(contentsOf: String(first).utf8)
    for place in 1..<(weight + 1) where weight > 0 { append(group(at: place), to: &text) }
  }

  private func appendFraction(to text: inout [UInt8]) {
    text.append(UInt8(ascii: "."))
    let end = text.count + scale
    var place = weight + 1
    // Groups of zeros between the point and the first digit.
    for _ in 0..<max(0, -1 - weight) where digits.first != nil && text.count < end { append(0, to: &text) }
    if weight < -1 { place = 0 }
    while text.count < end {
      append(group(at: place), to: &text)
      place += 1
    }
    text.removeLast(text.count - end)
  }

  private func group(at place: Int) -> UInt16 { digits.indices.contains(place) ? digits[place] : 0 }

  private func append(_ group: UInt16, to text: inout [UInt8]) {
    var divisor: UInt16 = 1_000
    while divisor > 0 {
      text.append(UInt8(ascii: "0") + UInt8(group / divisor % 10))
      divisor /= 10
    }
  }
}
