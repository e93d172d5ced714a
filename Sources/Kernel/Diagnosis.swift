/// What `mainstay doctor` found: something fine, something to know, or a problem with its remedy.
public struct Diagnosis: Sendable, Hashable {
  /// How bad it is.
  public enum Severity: String, Sendable, CaseIterable, Codable {
    /// As it should be.
    case fine
    /// Works, but worth a look.
    case notice
    /// The host would not start, or not work.
    case problem
  }

  /// How bad it is.
  public let severity: Severity
  /// What was looked at.
  public let subject: String
  /// What was found.
  public let message: String
  /// What to do about it.
  public let remedy: String?

  /// A finding.
  public init(_ severity: Severity, subject: String, _ message: String, remedy: String? = nil) {
    self.severity = severity
    self.subject = subject
    self.message = message
    self.remedy = remedy
  }

  /// The finding as JSON.
  public var json: JSONValue {
    [
      "severity": .string(severity.rawValue), "subject": .string(subject), "message": .string(message),
      "remedy": remedy.map { .string($0) } ?? nil,
    ]
  }
}
