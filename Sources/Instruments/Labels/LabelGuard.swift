/// Keeps personal data out of label values, which are copied into every scrape, dashboard and alert.
///
/// It looks for what is never a good label either: a value of its own for each person. What it finds becomes `redacted`.
public struct LabelGuard: OptionSet, Sendable, Hashable {
  /// The patterns that are looked for, as bits.
  public let rawValue: Int

  /// From bits.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// `somebody@example.org`
  public static let email = LabelGuard(rawValue: 1)
  /// `123-45-6789`
  public static let socialSecurityNumber = LabelGuard(rawValue: 2)
  /// `MRN 00123`, `mrn-4711-22`
  public static let medicalRecordNumber = LabelGuard(rawValue: 4)
  /// `1980-02-29`, `02/29/1980`: a date of birth looks like any other.
  public static let date = LabelGuard(rawValue: 8)
  /// `(555) 123-4567`, `+49 30 1234567`, and any run of nine digits or more.
  public static let longNumber = LabelGuard(rawValue: 16)
  /// `8c0b1d9e-…`: an id of one of many.
  public static let uuid = LabelGuard(rawValue: 32)

  /// All of them.
  public static let standard: LabelGuard = [
    .email, .socialSecurityNumber, .medicalRecordNumber, .date, .longNumber, .uuid,
  ]

  /// Whether the text contains what this guard looks for.
  public func catches(_ text: String) -> Bool {
    if isEmpty { return false }
    var shape = TextShape()
    return shape.read(text, for: self)
  }
}

/// Reads a text as runs of digits, letters and single other characters, and looks for patterns of runs.
private struct TextShape {
  /// `d3` is three digits, `a4` four letters, a character itself.
  private enum Run: Equatable {
    case digits(Int)
    case letters([UInt8])
    case mark(UInt8)
  }

  private var runs: [Run] = []

  mutating func read(_ text: String, for wanted: LabelGuard) -> Bool {
    if wanted.contains(.uuid), hasUUID(text) { return true }
    for byte in text.utf8.prefix(1_024) { add(byte) }
    return runs.indices.contains { start in
      (wanted.contains(.email) && isEmail(at: start))
        || (wanted.contains(.socialSecurityNumber) && matches([3, 2, 4], by: ["-"], at: start))
        || (wanted.contains(.date)
          && (matches([4, 2, 2], by: ["-", "/"], at: start) || matches([2, 2, 4], by: ["/", "-", "."], at: start)))
        || (wanted.contains(.medicalRecordNumber) && isRecordNumber(at: start))
        || (wanted.contains(.longNumber) && isLongNumber(at: start))
    }
  }

  private mutating func add(_ byte: UInt8) {
    let lower = byte | 0x20
    switch (byte, runs.last) {
    case (UInt8(ascii: "0")...UInt8(ascii: "9"), .digits(let count)): runs[runs.count - 1] = .digits(count + 1)
    case (UInt8(ascii: "0")...UInt8(ascii: "9"), _): runs.append(.digits(1))
    case (_, .letters(let letters)) where isLetter(lower): runs[runs.count - 1] = .letters(letters + [lower])
    case _ where isLetter(lower): runs.append(.letters([lower]))
    default: runs.append(.mark(byte))
    }
  }

  private func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

  private func run(_ index: Int) -> Run? { runs.indices.contains(index) ? runs[index] : nil }

  /// Groups of exactly so many digits with one kind of mark between them, not part of a longer such chain.
  private func matches(_ groups: [Int], by marks: [Character], at start: Int) -> Bool {
    for (offset, count) in groups.enumerated() {
      guard run(start + offset * 2) == .digits(count) else { return false }
      if offset > 0, run(start + offset * 2 - 1) != run(start + 1) { return false }
    }
    guard case .mark(let mark) = run(start + 1) else { return false }
    return marks.contains { $0.asciiValue == mark }
  }

  /// Something, `@`, something, `.`, letters.
  private func isEmail(at index: Int) -> Bool {
    guard run(index) == .mark(UInt8(ascii: "@")), index > 0, !isSpace(run(index - 1)) else { return false }
    var position = index + 1
    while let next = run(position), !isSpace(next), next != .mark(UInt8(ascii: "@")) {
      if next == .mark(UInt8(ascii: ".")), case .letters(let letters) = run(position + 1), letters.count >= 2 {
        return position > index + 1
      }
      position += 1
    }
    return false
  }

  private func isSpace(_ run: Run?) -> Bool { run == .mark(UInt8(ascii: " ")) || run == nil }

  /// `mrn`, at most two marks, at least four digits in all.
  private func isRecordNumber(at index: Int) -> Bool {
    guard case .letters(let letters) = run(index), letters.count >= 3, letters.suffix(3).elementsEqual("mrn".utf8)
    else {
      return false
    }
    var marks = 0
    var position = index + 1
    while case .mark = run(position), marks < 3 {
      marks += 1
      position += 1
    }
    return digits(from: position) >= 4
  }

  /// Nine digits or more with at most a space, bracket, dash or dot between groups of at least two.
  private func isLongNumber(at index: Int) -> Bool {
    guard case .digits = run(index) else { return false }
    return digits(from: index) >= 9
  }

  /// The digits of groups of two or more that stand together.
  private func digits(from start: Int) -> Int {
    var sum = 0
    var position = start
    var marks = 0
    while let next = run(position) {
      switch next {
      case .digits(let count) where count >= 2 || sum == 0:
        sum += count
        marks = 0
      case .mark(let mark) where marks < 2 && " -()".utf8.contains(mark): marks += 1
      default: return sum
      }
      position += 1
    }
    return sum
  }

  /// 8-4-4-4-12 hexadecimal digits anywhere.
  private func hasUUID(_ text: String) -> Bool {
    var groups: [Int] = []
    var length = 0
    for byte in text.utf8.prefix(1_024) {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
        UInt8(ascii: "A")...UInt8(ascii: "F"):
        length += 1
        if length == 12, groups.suffix(4).elementsEqual([8, 4, 4, 4]) { return true }
      case UInt8(ascii: "-"):
        groups.append(length)
        length = 0
      default:
        groups.removeAll()
        length = 0
      }
    }
    return false
  }
}
