import MainstayKernel

/// `json value`: JSON that can stand in a script, and is escaped like any text elsewhere.
enum JSONHelpers {
  static let all: HelperTable = [
    "json": Helper(arguments: 1...1) { call in .json(try text(call[0], call)) }
  ]

  /// `<`, `>`, `&`, U+2028 and U+2029 are written as escapes, so that no value ends a script or begins a comment.
  private static func text(_ value: TemplateValue, _ call: borrowing HelperCall) throws(TemplateError) -> String {
    var budget = mostValues
    guard fits(value, depth: 64, &budget) else {
      throw call.error("the value nests deeper than 64 levels or has more than \(mostValues) parts")
    }
    var text = ""
    for scalar in JSONValue(value).description.unicodeScalars {
      switch scalar {
      case "<": text += "\\u003C"
      case ">": text += "\\u003E"
      case "&": text += "\\u0026"
      case "\u{2028}": text += "\\u2028"
      case "\u{2029}": text += "\\u2029"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  private static let mostValues = 1_000_000

  private static func fits(_ value: TemplateValue, depth: Int, _ budget: inout Int) -> Bool {
    budget -= 1
    if budget < 0 || depth < 0 { return false }
    switch value {
    case .array(let elements): return elements.allSatisfy { fits($0, depth: depth - 1, &budget) }
    case .object(let object): return object.allSatisfy { fits($0.value, depth: depth - 1, &budget) }
    default: return true
    }
  }
}
