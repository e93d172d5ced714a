/// The grammar of the header `Host` (RFC 9112, 3.2; RFC 3986, 3.2.2): `example.org`, `127.0.0.1:8080`, `[::1]:8080`; or
/// nothing, where the target has no authority.
enum HostHeader {
  /// Whether a value is a host, or a host and a port.
  static func isWellFormed(_ value: String) -> Bool {
    let bytes = value.utf8
    if bytes.first == UInt8(ascii: "[") {
      guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
      return isLiteral(bytes[..<end].dropFirst()) && isPort(bytes[end...].dropFirst())
    }
    let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
    return isName(bytes[..<end]) && isPort(bytes[end...])
  }

  /// An address of IPv6, or of a version to come.
  private static func isLiteral(_ text: Substring.UTF8View) -> Bool {
    !text.isEmpty && text.allSatisfy { isPlain($0) || $0 == UInt8(ascii: ":") }
  }

  private static func isName(_ text: Substring.UTF8View) -> Bool {
    var rest = text
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        if isPlain(byte) { continue } else { return false }
      }
      guard rest.count >= 2, rest.prefix(2).allSatisfy(isHexadecimal) else { return false }
      rest = rest.dropFirst(2)
    }
    return true
  }

  /// Nothing, or a colon and digits.
  private static func isPort(_ text: Substring.UTF8View) -> Bool {
    guard let colon = text.first else { return true }
    return colon == UInt8(ascii: ":") && text.dropFirst().allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    Character(Unicode.Scalar(byte)).isHexDigit
  }

  /// An unreserved character or a sub-delimiter.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: plain.contains(byte)
    }
  }

  private static let plain = Array("-._~!$&'()*+,;=".utf8)
}
