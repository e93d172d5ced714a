/// A decimal number as digits, so that amounts are rounded as people round them.
struct DecimalText {
  var isNegative = false
  /// Without leading zeros; "0" at least.
  var whole: String
  var fraction = ""

  static let zero = DecimalText(whole: "0")

  private init(isNegative: Bool = false, whole: String, fraction: String = "") {
    let trimmed = whole.drop { $0 == "0" }
    self.isNegative = isNegative
    self.whole = trimmed.isEmpty ? "0" : String(trimmed)
    self.fraction = fraction
  }

  /// A finite number, or a text that is one, of 60 digits at most.
  init?(_ value: TemplateValue) {
    switch value {
    case .integer(let number): self.init(String(number))
    case .number(let number): self.init(Self.plain(number))
    case .string(let text), .markup(let text): self.init(text)
    default: return nil
    }
  }

  private static func plain(_ number: Double) -> String {
    let text = NumberText.text(of: number)
    guard text.contains("e"), number.isFinite, abs(number) < 1e30 else { return text }
    return abs(number) < 1 ? "0" : String(Int64(clamping: Int(exactly: number.rounded()) ?? Int.max))
  }

  private init?(_ text: String) {
    var rest = Substring(TextHelpers.trimmed(text))
    let isNegative = rest.first == "-"
    if isNegative || rest.first == "+" { rest.removeFirst() }
    let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), rest.utf8.count <= 60, rest.utf8.contains(where: \.isDigit),
      parts.allSatisfy({ $0.utf8.allSatisfy(\.isDigit) })
    else { return nil }
    self.init(isNegative: isNegative, whole: String(parts[0]), fraction: parts.count > 1 ? String(parts[1]) : "")
  }

  var text: String { (isNegative ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction) }

  private var isZero: Bool { (whole + fraction).allSatisfy { $0 == "0" } }

  /// This many digits after the point; halves are rounded away from zero.
  func rounded(to digits: Int) -> DecimalText {
    guard fraction.count > digits else {
      var result = self
      result.fraction += String(repeating: "0", count: digits - fraction.count)
      if result.isZero { result.isNegative = false }
      return result
    }
    let kept = Array((whole + fraction.prefix(digits)).utf8)
    let next = fraction.utf8.dropFirst(digits).first ?? 0x30
    let rounded = next >= 0x35 ? Self.incremented(kept) : kept
    let all = String(decoding: rounded, as: UTF8.self)
    var result = DecimalText(
      isNegative: isNegative, whole: String(all.dropLast(digits)), fraction: String(all.suffix(digits)))
    if result.isZero { result.isNegative = false }
    return result
  }

  private static func incremented(_ digits: [UInt8]) -> [UInt8] {
    var digits = digits
    for index in digits.indices.reversed() {
      if digits[index] < 0x39 {
        digits[index] += 1
        return digits
      }
      digits[index] = 0x30
    }
    return [0x31] + digits
  }

  /// The point moved so many places to the left.
  func shifted(by places: Int) -> DecimalText {
    let digits = String(repeating: "0", count: places) + whole
    return DecimalText(
      isNegative: isNegative, whole: String(digits.dropLast(places)), fraction: String(digits.suffix(places)) + fraction
    )
  }

  static func + (left: DecimalText, right: DecimalText) -> DecimalText {
    let places = max(left.fraction.count, right.fraction.count)
    let one = left.rounded(to: places)
    let other = right.rounded(to: places)
    let width = max(one.whole.count, other.whole.count) + places + 1
    let a = padded(one, width)
    let b = padded(other, width)
    let difference = one.isNegative != other.isNegative
    let isLarger = !a.lexicographicallyPrecedes(b)
    let digits = difference ? (isLarger ? subtract(a, b) : subtract(b, a)) : add(a, b)
    let all = String(decoding: digits, as: UTF8.self)
    var result = DecimalText(
      isNegative: isLarger ? one.isNegative : other.isNegative, whole: String(all.dropLast(places)),
      fraction: String(all.suffix(places)))
    if result.isZero { result.isNegative = false }
    return result
  }

  private static func padded(_ number: DecimalText, _ width: Int) -> [UInt8] {
    let digits = Array((number.whole + number.fraction).utf8)
    return [UInt8](repeating: 0x30, count: width - digits.count) + digits
  }

  private static func add(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
    var result = a
    var carry: UInt8 = 0
    for index in a.indices.reversed() {
      let sum = a[index] + b[index] - 0x60 + carry
      result[index] = 0x30 + sum % 10
      carry = sum / 10
    }
    return result
  }

  /// The larger one less the smaller one.
  private static func subtract(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
    var result = a
    var borrow: UInt8 = 0
    for index in a.indices.reversed() {
      let digit = 10 + a[index] - b[index] - borrow
      result[index] = 0x30 + digit % 10
      borrow = digit < 10 ? 1 : 0
    }
    return result
  }

  func formatted(_ locale: LocaleText) -> String {
    var grouped = ""
    for (place, digit) in whole.enumerated() {
      if place > 0 && (whole.count - place) % 3 == 0 { grouped += locale.group }
      grouped.append(digit)
    }
    return (isNegative ? "-" : "") + grouped + (fraction.isEmpty ? "" : locale.point + fraction)
  }
}
