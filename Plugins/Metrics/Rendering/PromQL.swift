/// The same question in the language of Prometheus.
enum PromQL {
  /// `"a\"b"`
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += #"\""#
      case "\\": result += #"\\"#
      case "\n": result += #"\n"#
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// A text as a regular expression (RE2) that matches it and nothing else.
  static func escapedExpression(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if #".+*?()|[]{}^$\"#.unicodeScalars.contains(scalar) { result += "\\" }
      result.unicodeScalars.append(scalar)
    }
    return result
  }
}
