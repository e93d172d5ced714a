/// Text that libyaml will count the lines of as editors do: valid UTF-8 without control characters.
struct YAMLInput {
  /// The text without a byte order mark.
  let text: String

  /// What keeps bytes from being such text, and where.
  struct Problem: Error {
    let line: Int
    let column: Int
    let message: String
    let remedy: String
  }

  /// Checks bytes.
  init(_ bytes: [UInt8]) throws(Problem) {
    var bytes = bytes[...]
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw Problem(line: 1, column: 1, message: "is UTF-16", remedy: "save the file as UTF-8")
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    let isPlain = bytes.allSatisfy { ($0 >= 0x20 && $0 < 0x7F) || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
    if !isPlain { try Self.check(bytes) }
    text = String(decoding: bytes, as: UTF8.self)
  }

  private static func check(_ bytes: ArraySlice<UInt8>) throws(Problem) {
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var line = 1
    var column = 1
    var wasReturn = false
    while true {
      switch parser.parseScalar(from: &iterator) {
      case .emptyInput: return
      case .error:
        throw Problem(line: line, column: column, message: "is not valid UTF-8 here", remedy: "save the file as UTF-8")
      case .valid(let encoded):
        let scalar = Unicode.UTF8.decode(encoded)
        if let (message, remedy) = complaint(about: scalar) {
          throw Problem(line: line, column: column, message: message, remedy: remedy)
        }
        let isBreak = scalar == "\n" || scalar == "\r"
        if scalar == "\n", wasReturn {
          // The second half of a line break.
        } else if isBreak {
          line += 1
          column = 1
        } else {
          column += 1
        }
        wasReturn = scalar == "\r"
      }
    }
  }

  private static func complaint(about scalar: Unicode.Scalar) -> (message: String, remedy: String)? {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D: nil
    case 0: ("has a NUL character", "remove it; the file may be binary or damaged")
    case ..<0x20, 0x7F...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF:
      ("has the control character \(code(scalar))", "remove it, or write it as an escape in double quotes")
    default: nil
    }
  }

  private static func code(_ scalar: Unicode.Scalar) -> String {
    let hex = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
  }
}
