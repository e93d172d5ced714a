/// Comparison and logic: `eq ne lt lte gt gte and or not default choose`.
enum LogicHelpers {
  static let all: HelperTable = {
    var table = HelperTable()
    table["eq"] = Helper(arguments: 2...2) { call in .bool(equal(call[0], call[1])) }
    table["ne"] = Helper(arguments: 2...2) { call in .bool(!equal(call[0], call[1])) }
    table["lt"] = comparison { $0 < 0 }
    table["lte"] = comparison { $0 <= 0 }
    table["gt"] = comparison { $0 > 0 }
    table["gte"] = comparison { $0 >= 0 }
    table["and"] = Helper(arguments: 1...Int.max) { call in
      call.arguments.first { !$0.isTruthy } ?? call[call.arguments.count - 1]
    }
    table["or"] = Helper(arguments: 1...Int.max) { call in
      call.arguments.first { $0.isTruthy } ?? call[call.arguments.count - 1]
    }
    table["not"] = Helper(arguments: 1...1) { call in .bool(!call[0].isTruthy) }
    table["default"] = Helper(arguments: 2...Int.max) { call in
      call.arguments.first { !$0.isNothing && $0.stringValue != "" } ?? .null
    }
    table["choose"] = Helper(arguments: 2...3) { call in call[0].isTruthy ? call[1] : call[2] }
    return asBlocks(table)
  }()

  /// Numbers compare by value, texts by their characters, lists and objects by what is in them.
  static func equal(_ left: TemplateValue, _ right: TemplateValue) -> Bool {
    var steps = longestComparison
    return equal(left, right, &steps)
  }

  /// Values that share parts can take exponentially long to compare; beyond this many steps they count as different.
  private static let longestComparison = 100_000

  private static func equal(_ left: TemplateValue, _ right: TemplateValue, _ steps: inout Int) -> Bool {
    steps -= 1
    if steps < 0 { return false }
    switch (left, right) {
    case (.undefined, .undefined), (.null, .null), (.undefined, .null), (.null, .undefined): return true
    case (.bool(let left), .bool(let right)): return left == right
    case (.integer(let left), .integer(let right)): return left == right
    case (.array(let left), .array(let right)):
      return left.count == right.count && zip(left, right).allSatisfy { equal($0, $1, &steps) }
    case (.object(let left), .object(let right)):
      return left.count == right.count && left.allSatisfy { equal($0.value, right[$0.key] ?? .undefined, &steps) }
    default: break
    }
    if let left = left.doubleValue, let right = right.doubleValue { return left == right }
    if let left = left.stringValue, let right = right.stringValue { return left == right }
    return false
  }

  /// Less than zero, zero or more than zero; nil where the two cannot be compared.
  static func order(_ left: TemplateValue, _ right: TemplateValue) -> Int? {
    if let left = left.doubleValue, let right = right.doubleValue { return left < right ? -1 : left > right ? 1 : 0 }
    if let left = left.stringValue, let right = right.stringValue { return left < right ? -1 : left > right ? 1 : 0 }
    return nil
  }

  private static func comparison(_ accepts: @escaping @Sendable (Int) -> Bool) -> Helper {
    Helper(arguments: 2...2) { call in
      if call[0].isNothing || call[1].isNothing { return false }
      guard let order = order(call[0], call[1]) else {
        throw call.error("\(call[0].kind) and \(call[1].kind) cannot be compared; pass two numbers or two texts")
      }
      return .bool(accepts(order))
    }
  }

  /// As a block, a comparison chooses between its parts: `{{#eq a b}}…{{else}}…{{/eq}}`.
  private static func asBlocks(_ table: HelperTable) -> HelperTable {
    var blocks = table
    for name in table.names {
      guard let helper = table[name] else { continue }
      blocks[name] = Helper(arguments: helper.arguments) { call in
        let value = try helper.body(call)
        guard call.isBlock else { return value }
        if value.isTruthy { try call.writeBody() } else { try call.writeInverse() }
        return .undefined
      }
    }
    return blocks
  }
}
