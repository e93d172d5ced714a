/// Puts the values of `${NAME}`, `${NAME:-default}` and `${file:path}` into the scalars of a tree.
///
/// What is put in is never looked through again. `$$` stands for a dollar sign; a dollar sign before anything but a brace
/// stands for itself, so that passwords need no care.
struct ConfigSubstitution {
  /// All text that may be put in, so that aliases cannot multiply it.
  private static let totalLimit = 16 << 20

  private let environment: [String: String]
  private let readFile: (_ path: String, _ origin: ConfigOrigin) -> Result<String, ConfigFileError>
  private var total = 0
  private(set) var issues: [ConfigIssue] = []

  init(
    environment: [String: String],
    readFile: @escaping (_ path: String, _ origin: ConfigOrigin) -> Result<String, ConfigFileError>
  ) {
    self.environment = environment
    self.readFile = readFile
  }

  /// The tree with every scalar's substitutions made. One that cannot be made leaves null, and an issue.
  mutating func apply(to tree: ConfigTree, at path: ConfigPath = ConfigPath()) -> ConfigTree {
    switch tree.content {
    case .list(let items):
      var result: [ConfigTree] = []
      for (index, item) in items.enumerated() { result.append(apply(to: item, at: path.index(index))) }
      return ConfigTree(.list(result), origin: tree.origin)
    case .map(let entries):
      var result: [ConfigEntry] = []
      for entry in entries {
        let value = apply(to: entry.value, at: path.key(entry.key))
        result.append(ConfigEntry(key: entry.key, keyOrigin: entry.keyOrigin, value: value))
      }
      return ConfigTree(.map(result), origin: tree.origin)
    case .scalar(let scalar):
      guard scalar.text.contains("$") else { return tree }
      return ConfigTree(.scalar(apply(to: scalar, tree.origin, path)), origin: tree.origin)
    }
  }

  private mutating func apply(to scalar: ConfigScalar, _ origin: ConfigOrigin, _ path: ConfigPath) -> ConfigScalar {
    var rest = Substring(scalar.text)
    var text = ""
    var isForeign = false
    var isSecret = false
    while let dollar = rest.firstIndex(of: "$") {
      text += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      if rest.first == "$" {
        rest.removeFirst()
        text += "$"
      } else if rest.first == "{" {
        let result = Reference.cut(from: &rest).flatMap { value(of: $0, origin) }
        switch result {
        case .failure(let problem):
          issues.append(
            ConfigIssue(.substitution, at: origin, path: path, problem.message, remedy: problem.remedy))
          return ConfigScalar("", style: .plain)
        case .success(let value):
          text += value.text
          isForeign = true
          isSecret = isSecret || value.isSecret
        }
      } else {
        text += "$"
      }
    }
    return ConfigScalar(text + rest, style: isForeign ? .foreign : scalar.style, isSecret: isSecret)
  }

  private mutating func value(
    of reference: Reference, _ origin: ConfigOrigin
  ) -> Result<(text: String, isSecret: Bool), Problem> {
    switch reference {
    case .variable(let name, let fallback):
      // As in a shell, ":-" also stands in for an empty variable.
      let text = environment[name].flatMap { $0.isEmpty && fallback != nil ? nil : $0 } ?? fallback
      guard let text else {
        return .failure(
          Problem(
            "the environment variable \(name) is not set",
            "set \(name), or give a default: ${\(name):-value}"))
      }
      return counted(text).map { (text: $0, isSecret: false) }
    case .file(let path):
      return file(path, origin).flatMap { counted($0) }.map { (text: $0, isSecret: true) }
    }
  }

  private mutating func counted(_ text: String) -> Result<String, Problem> {
    total += text.utf8.count
    guard total <= Self.totalLimit else {
      return .failure(
        Problem("the substitutions add up to more than \(ByteCount(bytes: Self.totalLimit))", "use fewer of them"))
    }
    return .success(text)
  }

  private func file(_ path: String, _ origin: ConfigOrigin) -> Result<String, Problem> {
    readFile(path, origin).mapError { error in
      Problem("the file \(path) \(error)", "create the file, or correct the path; relative paths start at the manifest")
    }
  }

  struct Problem: Error {
    let message: String
    let remedy: String

    init(_ message: String, _ remedy: String) {
      self.message = message
      self.remedy = remedy
    }
  }

  /// What stands between `${` and `}`.
  private enum Reference {
    case variable(String, fallback: String?)
    case file(String)

    /// Takes `{NAME}` from the front of a text.
    static func cut(from text: inout Substring) -> Result<Reference, Problem> {
      guard let end = text.firstIndex(of: "}") else {
        return .failure(Problem("a ${ is never closed", "write ${NAME}, or $$ for a dollar sign"))
      }
      let body = text[text.index(after: text.startIndex)..<end]
      text = text[text.index(after: end)...]
      if body.hasPrefix("file:") {
        let path = String(body.dropFirst(5))
        return path.isEmpty
          ? .failure(Problem("${file:} names no file", "write ${file:/run/secrets/name}")) : .success(.file(path))
      }
      let name = body.prefix { $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) }
      let tail = body.dropFirst(name.count)
      guard let first = name.first, !first.isNumber, tail.isEmpty || tail.hasPrefix(":-") else {
        return .failure(
          Problem(
            "this ${…} is none of ${NAME}, ${NAME:-default} and ${file:path}", "write $$ for a dollar sign"))
      }
      guard !tail.contains("${") else {
        return .failure(Problem("a default cannot hold another ${…}", "write the default as plain text"))
      }
      return .success(.variable(String(name), fallback: tail.isEmpty ? nil : String(tail.dropFirst(2))))
    }
  }
}
