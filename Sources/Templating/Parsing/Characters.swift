/// The characters that the dialects know.
enum ASCII {
  static let space = UInt8(ascii: " ")
  static let tab = UInt8(ascii: "\t")
  static let lineFeed = UInt8(ascii: "\n")
  static let carriageReturn = UInt8(ascii: "\r")
  static let open = UInt8(ascii: "{")
  static let close = UInt8(ascii: "}")
  static let tilde = UInt8(ascii: "~")
  static let backslash = UInt8(ascii: "\\")
  static let dash = UInt8(ascii: "-")
  static let quote = UInt8(ascii: "\"")
  static let apostrophe = UInt8(ascii: "'")
}

extension UInt8 {
  /// Space, tab, line ends, vertical tab and form feed.
  var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
  /// What separates attributes in HTML: as `isSpace`, without the vertical tab, which is part of a name or a value there.
  var isHTMLSpace: Bool { isSpace && self != 0x0B }
  var isDigit: Bool { (0x30...0x39).contains(self) }
  var isLetter: Bool { (0x41...0x5A).contains(self & 0xDF) }
  var lowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }

  /// Whether it may stand in a name of a Handlebars expression.
  var isHandlebarsName: Bool {
    switch self {
    case 0...0x20, UInt8(ascii: "!"), UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "%")...UInt8(ascii: ","),
      UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: ";")...UInt8(ascii: ">"), UInt8(ascii: "@"),
      UInt8(ascii: "[")...UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{")...UInt8(ascii: "~"), 0x7F:
      false
    default: true
    }
  }
}
