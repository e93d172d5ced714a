/// The bytes of one template, and where its lines are.
final class TemplateSource: Sendable {
  let name: String
  let bytes: [UInt8]
  /// The number of the first line; more than 1 where something precedes the template in its file.
  private let firstLine: Int

  init(name: String, text: String, firstLine: Int = 1) {
    self.name = name
    self.firstLine = firstLine
    bytes = Array(text.utf8)
  }

  func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }

  /// Line and column, both from 1, of a byte.
  func location(of offset: Int) -> TemplateError.Location {
    let offset = min(max(offset, 0), bytes.count)
    let line = bytes[..<offset].count { $0 == UInt8(ascii: "\n") } + firstLine
    let column = text(start(ofLineAt: offset)..<offset).count + 1
    return TemplateError.Location(template: name, line: line, column: column)
  }

  /// The line of a byte, shortened around it, and a caret under it.
  func excerpt(at offset: Int) -> String {
    let offset = min(max(offset, 0), bytes.count)
    let start = start(ofLineAt: offset)
    let end = bytes[offset...].firstIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } ?? bytes.count
    let before = text(start..<offset)
    let shown = before.count > 60 ? "…" + before.suffix(60) : before
    let after = text(offset..<max(end, offset))
    let number = String(location(of: offset).line)
    let gutter = String(repeating: " ", count: number.count)
    let indent = String(shown.map { $0 == "\t" ? "\t" : " " })
    return "\(number) | \(shown)\(after.prefix(60))\(after.count > 60 ? "…" : "")\n\(gutter) | \(indent)^"
  }

  private func start(ofLineAt offset: Int) -> Int {
    (bytes[..<offset].lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
  }
}
