/// The second net: finds in a text what looks like a secret or like a patient's identifier, in one pass over its bytes.
///
/// The first net are ``Secret`` and ``PHI``, which never print. This one catches what slips into messages all the same:
/// passwords in connection strings, `password=…` and its kin, authorization headers, bearer tokens, JSON Web Tokens,
/// private keys, access keys of known make, social security numbers, card numbers and e-mail addresses. It knows no
/// names and addresses: a log line must not be given any.
enum LogScrubber {
  static let mark = "<redacted>"

  /// The text without what must not be logged, or nil if there was nothing.
  static func scrub(_ text: String) -> String? {
    var text = text
    return text.withUTF8 { bytes in
      var scan = Scan(bytes)
      return scan.run() ? String(decoding: scan.output, as: UTF8.self) : nil
    }
  }

  static func scrubbed(_ text: String) -> String { scrub(text) ?? text }

  /// Whether a value under that name is hidden whatever it looks like.
  static func isSensitive(key: String) -> Bool { SensitiveName.find(in: Array(key.utf8)[...]) != nil }
}

/// Names under which secrets and identifiers travel.
private struct SensitiveName {
  let letters: [UInt8]
  /// Also an ordinary word: `token: expected ')'` hides nothing.
  let isAmbiguous: Bool
  /// The value is a scheme and a token, up to the end of the line.
  let takesLine: Bool

  init(_ text: StaticString, ambiguous: Bool = false, takesLine: Bool = false) {
    letters = text.withUTF8Buffer { Array($0) }
    isAmbiguous = ambiguous
    self.takesLine = takesLine
  }

  private static let long: [SensitiveName] = [
    .init("password"), .init("passwd"), .init("passphrase"), .init("apikey"), .init("accesskey"), .init("privatekey"),
    .init("secretkey"), .init("clientsecret"), .init("secret", ambiguous: true), .init("token", ambiguous: true),
    .init("credential", ambiguous: true), .init("credentials", ambiguous: true),
    .init("authorization", takesLine: true),
    .init("cookie", takesLine: true), .init("cardnumber"), .init("socialsecuritynumber"), .init("dateofbirth"),
    .init("medicalrecordnumber"), .init("patientname"), .init("patientid"),
  ]
  private static let short: [SensitiveName] = [
    .init("pwd"), .init("pass"), .init("ssn"), .init("mrn"), .init("dob"), .init("cvv"), .init("cvc"),
  ]

  /// A word that ends in one of the long names, or whose last part is one of the short ones, whatever the case, with
  /// or without `-` and `_`.
  static func find(in word: ArraySlice<UInt8>) -> SensitiveName? {
    let word = word.suffix(64)
    let letters = word.filter(\.isLetterOrDigit).map(\.lowercased)
    if let name = long.first(where: { letters.suffix($0.letters.count).elementsEqual($0.letters) }) { return name }
    let last = (word.lastIndex { !$0.isLetterOrDigit }).map { word[($0 + 1)...] } ?? word
    let part = last.map(\.lowercased)
    return short.first { part.elementsEqual($0.letters) }
  }
}

private struct Scan {
  private let bytes: UnsafeBufferPointer<UInt8>
  private(set) var output: [UInt8] = []
  /// Up to here the text has been copied or left out.
  private var copied = 0
  private var position = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// Scans all of it. False if nothing was found.
  mutating func run() -> Bool {
    while position < bytes.count {
      switch bytes[position] {
      case let byte where byte.isDigit: scanNumber()
      case let byte where byte.isLetter || byte == UInt8(ascii: "_"): scanWord()
      case UInt8(ascii: ":"): scanUserInfo()
      case UInt8(ascii: "@"): scanEmail()
      case UInt8(ascii: "-"): scanPrivateKey()
      default: position += 1
      }
    }
    if copied == 0 && output.isEmpty { return false }
    output.append(contentsOf: bytes[copied...])
    return true
  }

  /// Leaves a range out, unless that was done before the text came here.
  private mutating func redact(_ range: Range<Int>) {
    position = max(position, range.upperBound)
    if range.isEmpty || range.lowerBound < copied { return }
    if bytes[range].starts(with: LogScrubber.mark.utf8.dropLast()) { return }
    output.append(contentsOf: bytes[copied..<range.lowerBound])
    output.append(contentsOf: LogScrubber.mark.utf8)
    copied = range.upperBound
  }

  private func byte(at index: Int) -> UInt8? { index >= 0 && index < bytes.count ? bytes[index] : nil }

  private func end(of start: Int, while isPart: (UInt8) -> Bool) -> Int {
    var index = start
    while index < bytes.count, isPart(bytes[index]) { index += 1 }
    return index
  }

  // MARK: Words

  private mutating func scanWord() {
    let start = position
    position = end(of: start) { $0.isWordPart }
    if scanToken(start..<position) || scanScheme(start..<position) { return }
    scanAssignment(of: start..<position)
  }

  /// A token that is known by its looks.
  private mutating func scanToken(_ word: Range<Int>) -> Bool {
    guard word.count >= 3 else { return false }
    if starts(at: word.lowerBound, with: "eyJ") { return scanJSONWebToken(word.lowerBound) }
    guard word.count >= 16, Scan.prefixes.contains(where: { starts(at: word.lowerBound, with: $0) }) else {
      return false
    }
    redact(word)
    return true
  }

  private static let prefixes: [StaticString] = [
    "AKIA", "ASIA", "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "sk_live_",
    "rk_live_", "sk-", "SG.", "AIza",
  ]

  private func starts(at index: Int, with text: StaticString) -> Bool {
    text.withUTF8Buffer { bytes[index...].starts(with: $0) }
  }

  /// Three parts of base64url, of which the first begins as an encoded `{"` does.
  private mutating func scanJSONWebToken(_ start: Int) -> Bool {
    let end = end(of: start) { $0.isWordPart || $0 == UInt8(ascii: ".") }
    let dots = bytes[start..<end].count { $0 == UInt8(ascii: ".") }
    guard dots >= 1, end - start >= 20 else { return false }
    redact(start..<end)
    return true
  }

  /// `Bearer xyz`, `Basic xyz`: what follows the scheme, if it looks like a token and not like a word.
  private mutating func scanScheme(_ word: Range<Int>) -> Bool {
    let isScheme = word.count == 6 && equals(word, "bearer") || word.count == 5 && equals(word, "basic")
    guard isScheme, byte(at: word.upperBound) == UInt8(ascii: " ") else { return false }
    let start = word.upperBound + 1
    let end = end(of: start) { $0.isTokenPart }
    guard looksRandom(start..<end) else { return false }
    redact(start..<end)
    return true
  }

  private func equals(_ word: Range<Int>, _ text: StaticString) -> Bool {
    text.withUTF8Buffer { expected in bytes[word].elementsEqual(expected) { $0.lowercased == $1 } }
  }

  private func looksRandom(_ range: Range<Int>) -> Bool {
    if range.count < 8 { return false }
    let text = bytes[range]
    return range.count >= 24 || text.contains { $0.isDigit || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ".") }
      || text.dropFirst().contains { $0.isUppercase }
  }

  // MARK: name=value, name: value, "name":"value"

  private mutating func scanAssignment(of word: Range<Int>) {
    var index = word.upperBound
    let isQuoted = byte(at: index).map(\.isQuote) ?? false
    // A quote inside an escaped string: \"password\":\"…\"
    let isEscaped = byte(at: index) == UInt8(ascii: "\\") && (byte(at: index + 1).map(\.isQuote) ?? false)
    index += isEscaped ? 2 : isQuoted ? 1 : 0
    index = end(of: index) { $0 == UInt8(ascii: " ") }
    guard let separator = byte(at: index), separator == UInt8(ascii: "=") || separator == UInt8(ascii: ":") else {
      return
    }
    guard byte(at: index + 1) != UInt8(ascii: "/"), let name = SensitiveName.find(in: Array(bytes[word])[...])
    else { return }
    let start = end(of: index + 1) { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }
    let isCertain = separator == UInt8(ascii: "=") || isQuoted || isEscaped || !name.isAmbiguous
    hideValue(at: start, of: name, isCertain: isCertain)
  }

  private mutating func hideValue(at start: Int, of name: SensitiveName, isCertain: Bool) {
    var start = start
    if byte(at: start) == UInt8(ascii: "\\") { start += 1 }
    if let quote = byte(at: start), quote.isQuote {
      redact((start + 1)..<closingQuote(quote, from: start + 1))
    } else if name.takesLine {
      redact(start..<end(of: start) { $0 >= 0x20 && !$0.isQuote })
    } else {
      let end = end(of: start) { $0.isValuePart }
      if isCertain || looksRandom(start..<end) { redact(start..<end) }
    }
  }

  private func closingQuote(_ quote: UInt8, from start: Int) -> Int {
    var index = start
    while index < bytes.count, bytes[index] != quote { index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
    return min(index, bytes.count)
  }

  // MARK: scheme://user:password@host

  private mutating func scanUserInfo() {
    guard byte(at: position + 1) == UInt8(ascii: "/"), byte(at: position + 2) == UInt8(ascii: "/") else {
      position += 1
      return
    }
    let start = position + 3
    let end = end(of: start) { $0.isAuthorityPart }
    position = start
    guard let at = bytes[start..<end].lastIndex(of: UInt8(ascii: "@")) else { return }
    if let colon = bytes[start..<at].firstIndex(of: UInt8(ascii: ":")) { redact((colon + 1)..<at) }
    position = at + 1
  }

  // MARK: Numbers

  /// A social security number or a card number that stands alone.
  private mutating func scanNumber() {
    let start = position
    // No number that is looked for is longer, and a long run of digits must not be read again and again.
    let end = min(bytes.count, start + 32)
    position = self.end(of: start) { $0.isWordPart }
    if let before = byte(at: start - 1), before.isWordPart || before == UInt8(ascii: ".") { return }
    if let range = socialSecurityNumber(start) ?? cardNumber(start, end) { redact(range) }
  }

  private func socialSecurityNumber(_ start: Int) -> Range<Int>? {
    let end = start + 11
    guard end <= bytes.count, byte(at: end).map({ !$0.isWordPart }) ?? true, byte(at: start + 3) == UInt8(ascii: "-"),
      byte(at: start + 6) == UInt8(ascii: "-"), let area = number(start, 3), let group = number(start + 4, 2),
      let serial = number(start + 7, 4), area != 0, area != 666, area < 900, group != 0, serial != 0
    else { return nil }
    return start..<end
  }

  private func number(_ start: Int, _ count: Int) -> Int? {
    var value = 0
    for byte in bytes[start..<(start + count)] {
      guard byte.isDigit else { return nil }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return value
  }

  /// 13 to 19 digits, run together or in the groups that are printed on cards, with the right check digit.
  private func cardNumber(_ start: Int, _ limit: Int) -> Range<Int>? {
    guard let first = byte(at: start), (UInt8(ascii: "2")...UInt8(ascii: "6")).contains(first) else { return nil }
    var digits: [UInt8] = []
    var groups: [Int] = [0]
    var end = start
    for index in start..<limit {
      if bytes[index].isDigit {
        digits.append(bytes[index] - UInt8(ascii: "0"))
        groups[groups.count - 1] += 1
        end = index + 1
      } else if index + 1 < limit, bytes[index + 1].isDigit, digits.count < 19, Scan.canContinue(groups) {
        groups.append(0)
      } else {
        break
      }
      if digits.count > 19 { return nil }
    }
    let isCard = Scan.isCardLength(groups, digits.count) && Scan.hasCheckDigit(digits)
    return isCard && (byte(at: end).map { !$0.isLetterOrDigit } ?? true) ? start..<end : nil
  }

  private static func canContinue(_ groups: [Int]) -> Bool {
    groups == [4] || groups == [4, 4] || groups == [4, 4, 4] || groups == [4, 6]
  }

  private static func isCardLength(_ groups: [Int], _ count: Int) -> Bool {
    groups.count == 1 ? [13, 14, 15, 16, 19].contains(count) : groups == [4, 4, 4, 4] || groups == [4, 6, 5]
  }

  /// The Luhn sum: every second digit from the right is doubled, its digits added.
  private static func hasCheckDigit(_ digits: [UInt8]) -> Bool {
    var sum = 0
    for (place, digit) in digits.reversed().enumerated() {
      let value = place % 2 == 0 ? Int(digit) : Int(digit) * 2
      sum += value > 9 ? value - 9 : value
    }
    return sum % 10 == 0
  }

  // MARK: user@example.org

  private mutating func scanEmail() {
    let at = position
    position += 1
    var start = at
    while start > copied, bytes[start - 1].isLocalPart { start -= 1 }
    var end = end(of: at + 1) { $0.isLetterOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    while end > at + 1, !bytes[end - 1].isLetterOrDigit { end -= 1 }
    guard start < at, let dot = bytes[(at + 1)..<end].lastIndex(of: UInt8(ascii: ".")), dot > at + 1, end - dot > 2,
      bytes[(dot + 1)..<end].allSatisfy(\.isLetter)
    else { return }
    redact(start..<end)
  }

  // MARK: -----BEGIN … PRIVATE KEY-----

  private mutating func scanPrivateKey() {
    guard starts(at: position, with: "-----BEGIN ") else {
      position += 1
      return
    }
    let start = position
    let rest = bytes[start...]
    let title = rest.prefix(64)
    guard let name = title.indices.first(where: { starts(at: $0, with: "PRIVATE KEY-----") }) else {
      position += 11
      return
    }
    let last = (name..<bytes.count).first { bytes[$0] == UInt8(ascii: "-") && starts(at: $0, with: "-----END ") }
    let end = last.map { index in self.end(of: index) { $0 >= 0x20 && $0 != UInt8(ascii: "\"") } } ?? bytes.count
    redact(start..<end)
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { self &- 0x30 < 10 }
  fileprivate var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }
  fileprivate var isUppercase: Bool { self &- 0x41 < 26 }
  fileprivate var isLetterOrDigit: Bool { isDigit || isLetter }
  fileprivate var isWordPart: Bool { isLetterOrDigit || self == UInt8(ascii: "_") || self == UInt8(ascii: "-") }
  fileprivate var isQuote: Bool { self == UInt8(ascii: "\"") || self == UInt8(ascii: "'") }
  fileprivate var lowercased: UInt8 { isUppercase ? self | 0x20 : self }

  /// Of base64 and its kin.
  fileprivate var isTokenPart: Bool {
    isWordPart || self == UInt8(ascii: ".") || self == UInt8(ascii: "=") || self == UInt8(ascii: "+")
      || self == UInt8(ascii: "/") || self == UInt8(ascii: "~")
  }

  /// Of a value without quotes.
  fileprivate var isValuePart: Bool {
    switch self {
    case 0...0x20, UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: ")"), UInt8(ascii: "]"),
      UInt8(ascii: "}"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"):
      false
    default: true
    }
  }

  /// Before the path of a URL.
  fileprivate var isAuthorityPart: Bool {
    isValuePart && self != UInt8(ascii: "/") && self != UInt8(ascii: "?") && self != UInt8(ascii: "#")
      || self == UInt8(ascii: ";") || self == UInt8(ascii: ",") || self == UInt8(ascii: "&")
      || self == UInt8(ascii: ")")
  }

  /// Before the `@` of an e-mail address.
  fileprivate var isLocalPart: Bool {
    isWordPart || self == UInt8(ascii: ".") || self == UInt8(ascii: "+") || self == UInt8(ascii: "%")
  }
}
