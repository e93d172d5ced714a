/// A statement's text, cut at its placeholders by the rules of PostgreSQL's lexer ("Lexical Structure" in its manual), so
/// that it can be put into another statement. Texts that might mean something else there have no pieces.
struct StatementPieces {
  enum Piece: Hashable {
    case text(String)
    /// `$n`
    case placeholder(Int)
  }

  private(set) var pieces: [Piece] = []
  /// The largest `n` of its placeholders.
  private(set) var parameters = 0

  private let bytes: [UInt8]
  private var position = 0
  private var copied = 0
  private var depth = 0

  /// Nil if quotes, comments or parentheses are not closed, if there are several statements, or if the meaning of a
  /// backslash depends on the server's settings.
  init?(_ sql: String) {
    bytes = Array(sql.utf8)
    while let byte = next {
      guard step(byte) else { return nil }
    }
    guard depth == 0 else { return nil }
    copy(upTo: bytes.count)
  }

  private var next: UInt8? { at(position) }

  private func at(_ index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func copy(upTo end: Int) {
    if copied < end { pieces.append(.text(String(decoding: bytes[copied..<end], as: UTF8.self))) }
    copied = end
  }

  /// Goes behind what begins here; false if that is not possible.
  private mutating func step(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "'"): return skipString()
    case UInt8(ascii: "\""): return skip(to: byte)
    case UInt8(ascii: "$"): return stepOverDollar()
    case UInt8(ascii: "-") where at(position + 1) == byte: skipLine()
    case UInt8(ascii: "/") where at(position + 1) == UInt8(ascii: "*"): return skipComment()
    case UInt8(ascii: "("): open()
    case UInt8(ascii: ")"): return close()
    case UInt8(ascii: ";"): return end()
    case let byte where PostgresQueryText.continuesName(byte): skipWord()
    default: position += 1
    }
    return true
  }

  private mutating func open() {
    depth += 1
    position += 1
  }

  private mutating func close() -> Bool {
    depth -= 1
    position += 1
    return depth >= 0
  }

  /// A semicolon at the end is left out.
  private mutating func end() -> Bool {
    copy(upTo: position)
    let isLast = bytes[(position + 1)...].allSatisfy { $0 <= UInt8(ascii: " ") }
    position = bytes.count
    copied = position
    return isLast
  }

  /// A name, a keyword or a number. A dollar sign within is part of it, and an `E` right before a quote of the string.
  private mutating func skipWord() {
    let start = position
    while let byte = next, PostgresQueryText.continuesName(byte) { position += 1 }
    let isEscaped = position == start + 1 && bytes[start] | 0x20 == UInt8(ascii: "e")
    if isEscaped, next == UInt8(ascii: "'") { mayEscape = true }
  }

  /// Whether the string that follows is an `E'…'`.
  private var mayEscape = false

  private mutating func skipString() -> Bool {
    let escapes = mayEscape
    mayEscape = false
    position += 1
    while let byte = next {
      position += 1
      if byte == UInt8(ascii: "\\") {
        // In a plain string its meaning hangs on `standard_conforming_strings`.
        guard escapes else { return false }
        position += 1
      } else if byte == UInt8(ascii: "'") {
        return true
      }
    }
    return false
  }

  /// Two quotes in a row, which stand for one, are taken for the end and a new beginning: that comes to the same.
  private mutating func skip(to quote: UInt8) -> Bool {
    position += 1
    while let byte = next {
      position += 1
      if byte == quote { return true }
    }
    return false
  }

  private mutating func skipLine() {
    while let byte = next, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { position += 1 }
  }

  /// Comments nest.
  private mutating func skipComment() -> Bool {
    var open = 0
    while let byte = next {
      let pair = (byte, at(position + 1))
      if pair == (UInt8(ascii: "/"), UInt8(ascii: "*")) {
        open += 1
        position += 2
      } else if pair == (UInt8(ascii: "*"), UInt8(ascii: "/")) {
        open -= 1
        position += 2
        if open == 0 { return true }
      } else {
        position += 1
      }
    }
    return false
  }

  /// `$1`, or a string between `$$` or `$tag$`.
  private mutating func stepOverDollar() -> Bool {
    let start = position
    position += 1
    if let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { return takePlaceholder(from: start) }
    while let byte = next, byte != UInt8(ascii: "$"), PostgresQueryText.continuesName(byte) { position += 1 }
    guard next == UInt8(ascii: "$") else { return false }
    position += 1
    return skip(behind: bytes[start..<position])
  }

  private mutating func takePlaceholder(from start: Int) -> Bool {
    copy(upTo: start)
    while let byte = next, PostgresQueryText.continuesName(byte) { position += 1 }
    guard let number = Int(String(decoding: bytes[(start + 1)..<position], as: UTF8.self)),
      (1...PostgresParameters.limit).contains(number)
    else { return false }
    pieces.append(.placeholder(number))
    parameters = max(parameters, number)
    copied = position
    return true
  }

  private mutating func skip(behind tag: ArraySlice<UInt8>) -> Bool {
    while position + tag.count <= bytes.count {
      if bytes[position] == UInt8(ascii: "$"), bytes[position..<(position + tag.count)] == tag {
        position += tag.count
        return true
      }
      position += 1
    }
    return false
  }
}
