/// The operators of the EJS dialect. What they mean is close to JavaScript, without its conversions: nothing is compared
/// or added that is not alike, and an empty list is false, as in all templates.
enum Operator: Sendable {
  /// `a && b`, `a || b`, `a ?? b`: what is on the right is only looked at when it decides.
  case and, or, coalesce
  /// `a ? b : c`
  case choose
  /// `!a`, `-a`, `+a`, `typeof a`
  case not, negate, number, kind
  /// `===` and `==`, `!==` and `!=`
  case equal, unequal
  case less, lessOrEqual, greater, greaterOrEqual
  /// `+` joins if one side is text.
  case add
  case subtract, multiply, divide, remainder
  /// `a[b]`
  case element

  /// The operators between two operands, longest first, with how strongly they bind.
  static let binary: [(text: StaticString, kind: Operator, strength: Int)] = [
    ("===", .equal, 4), ("!==", .unequal, 4), ("==", .equal, 4), ("!=", .unequal, 4), ("<=", .lessOrEqual, 5),
    (">=", .greaterOrEqual, 5), ("<", .less, 5), (">", .greater, 5), ("&&", .and, 3), ("||", .or, 2),
    ("??", .coalesce, 2), ("+", .add, 6), ("-", .subtract, 6), ("*", .multiply, 7), ("/", .divide, 7),
    ("%", .remainder, 7),
  ]
}
