/// What is said to a service to find out whether it is the one that the address means. A value.
enum ServiceGreeting: Sendable, Hashable {
  /// What an answer amounts to.
  enum Verdict: Sendable, Hashable {
    /// It is not complete yet.
    case incomplete
    /// It is the service, and answers.
    case fine
    /// It is not, or does not, and why.
    case failure(String)
  }

  /// Nothing: that a connection comes about has to do.
  case none
  /// PostgreSQL: the question whether it speaks TLS, which it answers with one byte before anything else.
  case postgres(needsTLS: Bool)
  /// Redis: the credentials of the address, if it names any, and a ping.
  case redis(user: String?, password: String?)

  /// The greeting that suits an address.
  init(_ url: ServiceURL, at place: ServiceURL.Place) {
    switch (url.scheme, place) {
    case ("postgres", .host), ("postgresql", .host): self = .postgres(needsTLS: url.isEncrypted)
    // Over a socket file it never does, whatever the address says.
    case ("postgres", .socket), ("postgresql", .socket): self = .postgres(needsTLS: false)
    case ("redis", _), ("unix", _): self = .redis(user: url.user, password: url.password)
    default: self = .none
    }
  }

  /// What is sent.
  var question: [UInt8] {
    switch self {
    case .none: []
    // SSLRequest (PostgreSQL documentation, "Message Formats"): its length, and a code in place of a version.
    case .postgres: [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F]
    case .redis(let user, let password):
      Array((credentials(user, password).map { Self.command(["AUTH"] + $0) } ?? "").utf8)
        + Array(Self.command(["PING"]).utf8)
    }
  }

  /// What the bytes amount to that have come so far.
  func verdict(_ answer: [UInt8]) -> Verdict {
    switch self {
    case .none: .fine
    case .postgres(let needsTLS):
      switch answer.first {
      case nil: .incomplete
      case UInt8(ascii: "S"): .fine
      case UInt8(ascii: "N"):
        needsTLS ? .failure("it speaks no TLS, which the address asks for") : .fine
      default: .failure("what answers there is not PostgreSQL")
      }
    case .redis(let user, let password):
      redis(String(decoding: answer, as: UTF8.self), lines: credentials(user, password) == nil ? 1 : 2)
    }
  }

  private func redis(_ answer: String, lines wanted: Int) -> Verdict {
    guard let first = answer.utf8.first else { return .incomplete }
    guard first == UInt8(ascii: "+") || first == UInt8(ascii: "-") else {
      return .failure("what answers there is not Redis")
    }
    // A line break of two bytes is one character.
    let lines = answer.split(separator: "\r\n", omittingEmptySubsequences: false).dropLast()
    if let refusal = lines.first(where: { $0.hasPrefix("-") }) { return .failure(Self.reason(refusal)) }
    return lines.count < wanted
      ? (answer.utf8.count > 512 ? .failure("its answer makes no sense") : .incomplete) : .fine
  }

  /// What a refusal means. Its own text is not shown: whoever answers there chose it.
  private static func reason(_ refusal: Substring) -> String {
    switch refusal.dropFirst().prefix(while: { $0 != " " }) {
    case "NOAUTH": "it asks for a password, and the address names none"
    case "WRONGPASS": "it refuses the password of the address"
    case "NOPERM": "the user of the address may not even ping"
    case "LOADING", "MASTERDOWN", "BUSY": "it is not ready"
    case "DENIED": "it refuses clients of other machines (protected mode)"
    case "ERR" where refusal.contains("without any password"): "it has no password, but the address names one"
    default: "it refuses the greeting"
    }
  }

  private func credentials(_ user: String?, _ password: String?) -> [String]? {
    guard let password, !password.isEmpty else { return nil }
    return (user.flatMap { $0.isEmpty ? nil : [$0] } ?? []) + [password]
  }

  /// A command in the form of the protocol: a list of texts with their lengths.
  private static func command(_ words: [String]) -> String {
    "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
  }
}
