/// What the value of an attribute means.
enum HTMLAttribute {
  enum Kind { case plain, url, script, style, unsupported }

  private static let urls: Set<String> = [
    "action", "archive", "background", "cite", "classid", "codebase", "data", "dynsrc", "formaction", "href", "icon",
    "longdesc", "lowsrc", "manifest", "ping", "poster", "profile", "src", "usemap", "xlink:href", "xml:base",
  ]
  /// Several URLs, HTML, or what a browser acts on in ways that escaping does not touch.
  private static let unsupported: Set<String> = ["srcset", "imagesrcset", "srcdoc", "http-equiv"]

  static func kind(_ attribute: [UInt8], of element: [UInt8]) -> Kind {
    var name = String(decoding: attribute, as: UTF8.self)
    if name.hasPrefix("on") { return .script }
    let isData = name.hasPrefix("data-")
    if isData { name.removeFirst(5) }
    if unsupported.contains(name) { return .unsupported }
    if name == "style" && !isData { return .style }
    if urls.contains(name) { return .url }
    if name.hasSuffix(":href") || name.hasSuffix(":src") { return .url }
    if isData && (name.contains("src") || name.contains("url") || name.contains("uri")) { return .url }
    // Animations of SVG write other attributes.
    if ["set", "animate"].contains(String(decoding: element, as: UTF8.self)),
      ["to", "from", "by", "values"].contains(name)
    {
      return .unsupported
    }
    return .plain
  }

  /// Whether what the URL names is run.
  static func loadsCode(_ attribute: [UInt8], of element: [UInt8]) -> Bool {
    switch (String(decoding: element, as: UTF8.self), String(decoding: attribute, as: UTF8.self)) {
    case ("script", _), ("object", "data"), ("embed", "src"), ("iframe", "src"), ("base", "href"): true
    default: false
    }
  }
}

/// How far the literal text of a URL has come.
struct URLPosition: Equatable {
  private enum Part: Equatable {
    case start
    /// Letters that may become a scheme.
    case scheme([UInt8])
    /// `data:` and what follows, up to the comma.
    case dataType([UInt8])
    /// After a value that may hold a scheme.
    case dynamic
    case path
    case query
    /// A scheme that runs what follows, or that cannot be told.
    case refused
  }

  private var part = Part.start

  /// Whether a value may hold the scheme.
  var isDynamic: Bool { part == .dynamic }

  private static let images: Set<String> = [
    "image/png;base64", "image/jpeg;base64", "image/gif;base64", "image/webp;base64",
  ]

  mutating func advance(_ byte: UInt8) {
    switch part {
    case .start where byte.isSpace: break
    case .start, .scheme, .dynamic: advanceHead(byte)
    case .dataType(let type): advanceType(type, byte)
    case .path: if byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") { part = .query }
    case .query, .refused: break
    }
  }

  private mutating func advanceHead(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "/"): part = .path
    case UInt8(ascii: "?"), UInt8(ascii: "#"): part = .query
    case UInt8(ascii: ":"): endScheme()
    case UInt8(ascii: "&"): part = part == .dynamic ? .dynamic : .refused
    default:
      switch part {
      case .start: part = byte.isLetter ? .scheme([byte.lowercased]) : .path
      case .scheme(let name):
        let continues =
          byte.isLetter || byte.isDigit || [UInt8(ascii: "+"), ASCII.dash, UInt8(ascii: ".")].contains(byte)
        // Browsers drop tabs and line ends inside of a scheme.
        part = continues ? .scheme(name + [byte.lowercased]) : byte < 0x20 ? .scheme(name) : .path
      default: break
      }
    }
  }

  private mutating func endScheme() {
    guard case .scheme(let name) = part else {
      part = .refused
      return
    }
    let text = String(decoding: name, as: UTF8.self)
    part = text == "data" ? .dataType([]) : Escaper.safeSchemes.contains(text) ? .path : .refused
  }

  private mutating func advanceType(_ type: [UInt8], _ byte: UInt8) {
    guard byte == UInt8(ascii: ",") else {
      part = type.count < 64 ? .dataType(type + [byte.lowercased]) : .refused
      return
    }
    part = Self.images.contains(String(decoding: type, as: UTF8.self)) ? .path : .refused
  }

  /// How a value is escaped that stands here; nil where it cannot stand.
  mutating func interpolate() -> EscapeMode? {
    switch part {
    case .start:
      part = .dynamic
      return .url
    case .scheme:
      part = .dynamic
      return .urlQuery
    case .dynamic: return .urlRest
    case .path: return .urlPath
    case .query: return .urlQuery
    case .dataType, .refused: return nil
    }
  }

  static func join(_ left: URLPosition, _ right: URLPosition) -> URLPosition? {
    if left == right { return left }
    if left.part == .refused || right.part == .refused { return nil }
    if left.part == .query || right.part == .query { return nil }
    if left.part == .path && right.part == .path { return left }
    // One of them may still have the scheme before it.
    var joined = left
    joined.part = .dynamic
    return joined
  }
}

/// Whether a place in a script is certain to lie outside of texts, comments and regular expressions.
///
/// Texts in quotes end with their line, so it is enough that nothing on this line could begin one, and that no template
/// literal and no block comment has begun anywhere before.
struct ScriptLine: Equatable {
  private var lineIsPlain = true
  private var scriptIsPlain = true
  private var previous: UInt8 = 0

  var isPlain: Bool { lineIsPlain && scriptIsPlain }

  mutating func advance(_ byte: UInt8) {
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

  mutating func join(_ other: ScriptLine) {
    lineIsPlain = lineIsPlain && other.lineIsPlain
    scriptIsPlain = scriptIsPlain && other.scriptIsPlain
    guard previous != other.previous else { return }
    // One of them may continue a line, or begin a comment, with what follows.
    scriptIsPlain = false
    previous = 0
  }
}
