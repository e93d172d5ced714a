import MainstayKernel

/// What a rule has found.
struct ValidationFinding: Sendable, Hashable {
  /// How bad it is.
  enum Severity: String, Sendable, Hashable, CaseIterable {
    /// The host should not run like this.
    case error
    /// It works, but perhaps not as meant.
    case warning
    /// Worth knowing.
    case info
  }

  /// What it is about.
  enum Category: String, Sendable, Hashable, CaseIterable {
    case database, redis, security, environment
  }

  /// The rule: `SEC001`. Does not change from version to version.
  let rule: String
  let category: Category
  let severity: Severity
  /// The key; nil if it is about several.
  let path: String?
  /// Where its value comes from.
  let origin: String?
  let message: String
  let remedy: String

  var json: JSONValue {
    var object: JSONObject = [
      "rule": .string(rule), "category": .string(category.rawValue), "severity": .string(severity.rawValue),
      "message": .string(message), "remedy": .string(remedy),
    ]
    object["path"] = path.map { .string($0) }
    object["origin"] = origin.map { .string($0) }
    return .object(object)
  }

  /// One line, and one for the remedy.
  var text: String {
    let place = [path, origin.map { "(\($0))" }].compactMap { $0 }.joined(separator: " ")
    return "\(severity.rawValue) \(rule)\(place.isEmpty ? "" : " " + place): \(message)\n    → \(remedy)"
  }
}
