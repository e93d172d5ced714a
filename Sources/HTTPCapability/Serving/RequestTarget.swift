/// The path of a request, decoded and made safe: no empty segments, no `.` or `..`, no encoded slash, no control
/// characters; so that no handler can be led out of a folder by a parameter.
package struct RequestTarget: Sendable, Equatable {
  /// The path in its plain form: `/templates/welcome`, without a trailing slash.
  let path: String
  /// Its segments; nil where the path needed no decoding and was not taken apart.
  private let decoded: [Substring]?

  /// Its segments.
  var segments: [Substring] { decoded ?? path.split(separator: "/") }

  /// Reads the target of a request line. Throws a problem of status 400 if it is not a safe path.
  init(_ target: String) throws(HTTPProblem) {
    guard target.utf8.first == UInt8(ascii: "/") else {
      throw HTTPProblem(.badRequest, "The request's target must be a path that begins with '/'.")
    }
    let end = target.utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
    let raw = end.map { target[..<$0] } ?? target[...]
    if RequestTarget.isPlain(raw.utf8) {
      path = end == nil ? target : String(raw)
      decoded = nil
    } else {
      let segments = try RequestTarget.decode(raw)
      path = "/" + segments.joined(separator: "/")
      decoded = segments
    }
  }

  /// Whether the path can be looked up as it stands.
  private static func isPlain(_ path: Substring.UTF8View) -> Bool {
    var previous = UInt8(ascii: " ")
    for byte in path {
      switch byte {
      case UInt8(ascii: "%"), 0...0x20, 0x7F: return false
      case UInt8(ascii: "/"), UInt8(ascii: "."): if previous == UInt8(ascii: "/") { return false }
      default: break
      }
      previous = byte
    }
    return previous != UInt8(ascii: "/") || path.count == 1
  }

  private static func decode(_ path: Substring) throws(HTTPProblem) -> [Substring] {
    var segments: [Substring] = []
    for segment in path.split(separator: "/") {
      guard let text = percentDecoded(segment.utf8) else {
        throw HTTPProblem(.badRequest, "The path holds a broken percent-encoding.")
      }
      guard text != ".", text != "..", !text.utf8.contains(where: isForbidden) else {
        throw HTTPProblem(.badRequest, "The path must not hold '.', '..', encoded slashes or control characters.")
      }
      segments.append(text[...])
    }
    return segments
  }

  private static func isForbidden(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\")
  }

  /// The text behind a percent-encoding; nil if that is broken or what is behind it is not UTF-8.
  package static func percentDecoded(_ text: Substring.UTF8View) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var rest = text[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst()?.hexadecimalValue, let low = rest.popFirst()?.hexadecimalValue else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

extension UInt8 {
  fileprivate var hexadecimalValue: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
