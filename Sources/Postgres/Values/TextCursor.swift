/// Takes numbers and signs from a short text in ASCII, one after the other.
struct TextCursor {
  private(set) var rest: ArraySlice<UInt8>

  init(_ text: some Sequence<UInt8>) { rest = Array(text)[...] }

  var isAtEnd: Bool { rest.isEmpty }
  var peek: UInt8? { rest.first }

  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: character) else { return false }
    rest.removeFirst()
    return true
  }

  mutating func accept(word: StaticString) -> Bool {
    guard word.withUTF8Buffer({ rest.starts(with: $0) }) else { return false }
    rest.removeFirst(word.utf8CodeUnitCount)
    return true
  }

  /// All digits that come next.
  mutating func digits() -> [UInt8] {
    let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    rest = rest.dropFirst(digits.count)
    return Array(digits)
  }

  /// A number of so many digits (18 at most), or nil.
  mutating func number(digits counts: ClosedRange<Int>) -> Int? {
    let digits = digits()
    guard counts.contains(digits.count), digits.count <= 18 else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
  }

  /// `.5` and the like in millionths, 0 if no point comes next; further digits are rounded away.
  mutating func millionths() -> Int? {
    guard accept(".") else { return 0 }
    let digits = digits()
    if digits.isEmpty { return nil }
    let kept = digits.prefix(6).reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    let padded = (digits.count..<max(6, digits.count)).reduce(kept) { value, _ in value * 10 }
    return digits.count > 6 && digits[6] >= UInt8(ascii: "5") ? padded + 1 : padded
  }
}
