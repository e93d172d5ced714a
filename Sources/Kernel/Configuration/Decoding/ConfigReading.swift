/// One pass over a part of the configuration: collects what is wrong, what is secret and what the effective values are,
/// and never stops at the first mistake.
public final class ConfigReading {
  var issues: [ConfigIssue] = []
  var values: [ConfigValueReport] = []
  /// Errors about values. Unknown keys do not count: the values beside them are good.
  private(set) var errorCount = 0
  private(set) var secretMarks: [SourceMark] = []
  private var secretTexts: Set<String> = []
  private var secretDepth = 0
  private var collectionDepth = 0
  private let environment: [String: String]
  /// `host.environment`, which rules of sections may depend on.
  let hostEnvironment: HostEnvironment

  init(environment: [String: String], hostEnvironment: HostEnvironment) {
    self.environment = environment
    self.hostEnvironment = hostEnvironment
  }

  /// Reports that a value is not what is expected: `must be a whole number, is 'many'`. Returns nil, for `return`.
  @discardableResult
  public func mismatch<Value>(
    _ node: ConfigTree, at path: ConfigPath, expected: String, remedy: String? = nil
  ) -> Value? {
    report(.error, .type, node, path, "must be \(expected), is \(shown(node))", remedy: remedy)
    return nil
  }

  /// Reports that text stands where a map or a list is expected. It is not shown: whoever puts a value one level too
  /// high may have put a secret there.
  func structureMismatch<Value>(_ node: ConfigTree, at path: ConfigPath, expected: String) -> Value? {
    guard let scalar = node.scalar, !scalar.isNull else { return mismatch(node, at: path, expected: expected) }
    hide(node)
    report(.error, .type, node, path, "must be \(expected), is text")
    return nil
  }

  /// The scalar, or nil and a report if it is none.
  public func scalar(_ node: ConfigTree, at path: ConfigPath, expected: String) -> ConfigScalar? {
    if node.scalar?.isSecret ?? false { hide(node) }
    guard let scalar = node.scalar, !scalar.isNull else { return mismatch(node, at: path, expected: expected) }
    return scalar
  }

  func mismatch(
    _ node: ConfigTree, at path: ConfigPath, code: ConfigIssue.Code, expected: String, shape: ConfigShape
  ) {
    inSecret(if: shape.isSecret) {
      report(.error, code, node, path, "must be \(expected), is \(shown(node))")
    }
  }

  func report(
    _ severity: ConfigIssue.Severity, _ code: ConfigIssue.Code, _ node: ConfigTree, _ path: ConfigPath,
    _ message: String, remedy: String? = nil
  ) {
    add(ConfigIssue(severity, code, at: node.origin, path: path, scrubbed(message), remedy: remedy.map(scrubbed)))
  }

  func add(_ issue: ConfigIssue) {
    issues.append(issue)
    if issue.severity == .error, issue.code != .unknownKey { errorCount += 1 }
  }
}

// Secrets
extension ConfigReading {
  /// Marks a value as one that is never shown, neither in messages nor in excerpts of the file.
  func hide(_ node: ConfigTree) {
    secretMarks += node.scalarMarks
    remember(node)
  }

  /// Hides the text in excerpts, as a precaution: nobody knows what stands under an unknown key.
  func hideInExcerpts(_ node: ConfigTree) { secretMarks += node.scalarMarks }

  func inSecret<Result>(if isSecret: Bool = true, _ body: () -> Result) -> Result {
    secretDepth += isSecret ? 1 : 0
    defer { secretDepth -= isSecret ? 1 : 0 }
    return body()
  }

  func isSecret(_ scalar: ConfigScalar) -> Bool { scalar.isSecret || secretDepth > 0 }

  /// Whether any part of a value must not be shown.
  func isHidden(_ node: ConfigTree) -> Bool {
    switch node.content {
    case .scalar(let scalar): isSecret(scalar)
    case .list(let items): secretDepth > 0 || items.contains { isHidden($0) }
    case .map(let entries): secretDepth > 0 || entries.contains { isHidden($0.value) }
    }
  }

  /// A message with every secret of this pass taken out, in case a rule has quoted one.
  func scrubbed(_ message: String) -> String {
    secretTexts.sorted { $0.count > $1.count }.reduce(message) { text, secret in
      text.replacing(secret, with: "<redacted>")
    }
  }

  private func remember(_ node: ConfigTree) {
    switch node.content {
    // A very short text would blot out half of every message, and is no secret worth the name.
    case .scalar(let scalar): if scalar.text.count > 3 { secretTexts.insert(scalar.text) }
    case .list(let items): items.forEach(remember)
    case .map(let entries): entries.forEach { remember($0.value) }
    }
  }

  /// A value as messages quote it.
  private func shown(_ node: ConfigTree) -> String {
    guard let scalar = node.scalar else { return node.kind }
    if scalar.isNull { return "nothing" }
    if isSecret(scalar) { return "<redacted>" }
    let text = scalar.text.count > 60 ? scalar.text.prefix(57) + "..." : Substring(scalar.text)
    if text.isEmpty { return "empty" }
    return scalar.style == .quoted ? YAMLText.quoted(String(text)) : YAMLText.scalar(String(text))
  }
}

// Environment
extension ConfigReading {
  /// Inside lists and free maps environment variables do not apply: one variable cannot mean several items.
  func inCollection<Result>(_ body: () -> Result) -> Result {
    collectionDepth += 1
    defer { collectionDepth -= 1 }
    return body()
  }

  /// What counts: the command line, else the environment, else what the files say.
  func outranked(_ written: ConfigTree?, by binding: EnvironmentBinding?, at path: ConfigPath) -> ConfigTree? {
    guard let binding, collectionDepth == 0, written?.origin.isCommandLine != true else { return written }
    let set = binding.names.compactMap { name in
      environment[name].flatMap { $0.isEmpty ? nil : (name: name, text: $0) }
    }
    guard let first = set.first else { return written }
    for other in set.dropFirst() where other.text != first.text {
      add(
        ConfigIssue(
          .warning, .conflict, at: .environment(other.name), path: path,
          "is ignored: \(first.name) is set too, to something else, and counts first",
          remedy: "unset one of \(first.name) and \(other.name)"))
    }
    return binding.tree(first.text, name: first.name)
  }
}
