/// Whether a place in a script is certain to lie outside of texts, comments and regular expressions.
///
/// Texts in quotes end with their line, so it is enough that nothing on this line could begin one, and that no template
/// literal and no block comment has begun anywhere before.
struct ScriptLine: Equatable {
  private var lineIsPlain = true
  private var scriptIsPlain = true
  private var previous: UInt8 = 0
  /// The last characters, in lower case, and whether they are in what `<!--` opens: there `<script` makes the next end tag
  /// its own (https://html.spec.whatwg.org/multipage/parsing.html#script-data-double-escape-start-state).
  private var tail: [UInt8] = []
  private var isEscaped = false
  /// Whether the element does not end at the first end tag.
  private(set) var hidesItsEnd = false

  var isPlain: Bool { lineIsPlain && scriptIsPlain }

  mutating func advance(_ byte: UInt8) {
    advanceTail(byte.lowercased)
    switch byte {
    case ASCII.lineFeed:
      lineIsPlain = previous != ASCII.backslash
    case UInt8(ascii: "`"): scriptIsPlain = false
    case UInt8(ascii: "*") where previous == UInt8(ascii: "/"): scriptIsPlain = false
    case ASCII.quote, ASCII.apostrophe, UInt8(ascii: "/"): lineIsPlain = false
    default: break
    }
    if byte != ASCII.carriageReturn { previous = byte }
  }

  private mutating func advanceTail(_ byte: UInt8) {
    tail.append(byte)
    if tail.count > 7 { tail.removeFirst() }
    if tail.suffix(4) == Array("<!--".utf8)[...] { isEscaped = true }
    if tail.suffix(3) == Array("-->".utf8)[...] { isEscaped = false }
    if isEscaped, tail == Array("<script".utf8) { hidesItsEnd = true }
  }

  mutating func join(_ other: ScriptLine) {
    if tail != other.tail { tail = [] }
    isEscaped = isEscaped || other.isEscaped
    hidesItsEnd = hidesItsEnd || other.hidesItsEnd
    lineIsPlain = lineIsPlain && other.lineIsPlain
    scriptIsPlain = scriptIsPlain && other.scriptIsPlain
    guard previous != other.previous else { return }
    // One of them may continue a line, or begin a comment, with what follows.
    scriptIsPlain = false
    previous = 0
  }
}
