/// The rules in the order in which they are tried: the longest path first, then those for some methods alone.
struct RateLimitRules: Sendable {
  /// A rule made ready.
  struct Rule: Sendable {
    /// Its place in the configuration.
    let index: Int
    let segments: [Substring]
    let methods: Set<String>
    let limit: RateLimit
    let subject: RateLimitRule.Subject
    /// `100;w=60`, the value of `RateLimit-Policy`.
    let policy: String

    init(index: Int, _ rule: RateLimitRule) {
      self.index = index
      segments = rule.path.split(separator: "/")
      methods = Set(rule.methods)
      limit = rule.limit
      subject = rule.by
      policy = "\(rule.requests);w=\(max(1, rule.per.components.seconds))"
    }
  }

  let rules: [Rule]

  init(_ rules: [RateLimitRule]) {
    self.rules = rules.enumerated().map { Rule(index: $0, $1) }.sorted { left, right in
      let (a, b) = (left.segments.count, right.segments.count)
      return a != b ? a > b : (left.methods.isEmpty ? 1 : 0, left.index) < (right.methods.isEmpty ? 1 : 0, right.index)
    }
  }

  var isEmpty: Bool { rules.isEmpty }

  /// The rule for a method and a path, which is a route's template, so that no spelling of the path evades it.
  func rule(for method: String, path: String) -> Rule? {
    let segments = path.split(separator: "/")
    return rules.first { rule in
      segments.starts(with: rule.segments) && (rule.methods.isEmpty || rule.methods.contains(method))
    }
  }
}
