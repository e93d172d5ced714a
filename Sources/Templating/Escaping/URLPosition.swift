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
    /// As `dynamic`, after `&` and the letters of a character reference, which could spell a colon.
    case reference([UInt8])
    case path
    case query
    /// A scheme that runs what follows, or that cannot be told.
    case refused
  }

  private var part = Part.start
  private var origin = URLOrigin()
  /// Whether the text makes a scheme of a value before it.
  private(set) var endsDynamicScheme = false

  /// Whether the text so far says from where the URL loads.
  var fixesOrigin: Bool { origin.isFixed }

  private static let images: Set<String> = [
    "image/png;base64", "image/jpeg;base64", "image/gif;base64", "image/webp;base64",
  ]

  mutating func advance(_ byte: UInt8) {
    origin.advance(byte)
    switch part {
    case .start where byte.isSpace: break
    case .start, .scheme, .dynamic: advanceHead(byte)
    case .reference(let name): advanceReference(name, byte)
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
    case UInt8(ascii: "&"): part = part == .dynamic ? .reference([]) : .refused
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

  /// A number could stand for any character; of the names only `colon` ends a scheme.
  private mutating func advanceReference(_ name: [UInt8], _ byte: UInt8) {
    let longer = name + [byte.lowercased]
    if name.isEmpty && byte == UInt8(ascii: "#") || longer == Array("colon".utf8) {
      part = .refused
      endsDynamicScheme = true
    } else if byte.isLetter || byte.isDigit, name.count < 5 {
      part = .reference(longer)
    } else {
      part = .dynamic
      advanceHead(byte)
    }
  }

  private mutating func endScheme() {
    guard case .scheme(let name) = part else {
      endsDynamicScheme = part == .dynamic
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
    origin.interpolate()
    switch part {
    case .start:
      part = .dynamic
      return .url
    case .scheme:
      part = .dynamic
      return .urlQuery
    case .dynamic: return .urlRest
    case .reference:
      // Without a semicolon what follows cannot complete a reference.
      part = .dynamic
      return .urlQuery
    case .path: return .urlPath
    case .query: return .urlQuery
    case .dataType, .refused: return nil
    }
  }

  static func join(_ left: URLPosition, _ right: URLPosition) -> URLPosition? {
    if left == right { return left }
    var (left, right) = (left, right)
    left.origin.join(right.origin)
    right.origin = left.origin
    left.endsDynamicScheme = left.endsDynamicScheme || right.endsDynamicScheme
    if left.part == right.part { return left }
    for part in [left.part, right.part] where part == .refused || part == .query { return nil }
    // One of them may still have the scheme before it.
    var joined = left
    joined.part = .dynamic
    return joined
  }
}

/// Whether the text of a URL has come so far that what follows cannot choose from where it loads.
private struct URLOrigin: Equatable {
  private enum Progress: Equatable {
    case open([UInt8])
    case fixed
    /// Left to a value, or written in a way that is not followed here.
    case unknown
  }

  private var progress = Progress.open([])

  var isFixed: Bool { progress == .fixed }

  mutating func interpolate() { if !isFixed { progress = .unknown } }

  mutating func join(_ other: URLOrigin) { if progress != other.progress { progress = .unknown } }

  mutating func advance(_ byte: UInt8) {
    guard case .open(let seen) = progress, !(seen.isEmpty && byte.isHTMLSpace) else { return }
    let isOdd = byte < 0x20 || byte == UInt8(ascii: "&") || byte == ASCII.backslash || seen.count > 255
    progress = isOdd ? .unknown : Self.progress(of: seen + [byte])
  }

  /// Of `https://host/`, `//host/`, `/path`, `path/`, `?` and `#`, what has been reached.
  private static func progress(of text: [UInt8]) -> Progress {
    let slash = UInt8(ascii: "/")
    let isEnd = [slash, UInt8(ascii: "?"), UInt8(ascii: "#")].contains(text[text.count - 1])
    var rest = text[...]
    if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
      rest = text[(colon + 1)...]
      guard rest.prefix(2).allSatisfy({ $0 == slash }) else { return .unknown }
    } else if text[0] != slash {
      return isEnd ? .fixed : .open(text)
    }
    let marks = rest.prefix { $0 == slash }.count
    let host = rest.dropFirst(marks)
    if marks > 2 { return .unknown }
    if marks == 1, !host.isEmpty { return .fixed }
    return marks == 2 && host.count > 1 && isEnd ? .fixed : .open(text)
  }
}
