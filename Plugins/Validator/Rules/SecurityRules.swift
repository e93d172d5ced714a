import MainstayKernel

extension ValidationRule {
  /// Words that everybody tries first.
  private static let guessed: Set<String> = [
    "secret", "password", "changeme", "change-me", "admin", "root", "test", "default", "example", "letmein", "postgres",
    "redis", "mainstay", "12345678", "123456789", "1234567890", "qwertyuiop",
  ]

  /// Secrets, access, encryption on the way.
  static let security = [
    ValidationRule("SEC001", .security, "Secrets are long enough not to be tried out.") { facts, found in
      facts.facts.filter(isCredential).compactMap { fact in
        guard let text = fact.text else { return nil }
        let least = fact.path.contains("jwt") ? 32 : 16
        guard text.utf8.count < least else { return nil }
        return found(
          facts.strict, fact, "has \(text.utf8.count) bytes, at least \(least) are needed",
          remedy: "make one with `openssl rand -base64 32`")
      }
    },
    ValidationRule("SEC002", .security, "Passwords are none that everybody tries first, and not of one character.") {
      facts, found in
      facts.facts.compactMap { fact in
        guard let text = isCredential(fact) ? fact.text : fact.url?.password, !text.isEmpty else { return nil }
        guard guessed.contains(text.lowercased()) || Set(text).count < 4 else { return nil }
        return found(facts.strict, fact, "is among the first that anybody tries", remedy: "use a random one")
      }
    },
    ValidationRule("SEC003", .security, "What leaves the machine is encrypted.") { facts, found in
      guard let host = facts["plugins.http.host"], let address = host.text,
        !isLocal(address), !isSet(facts, "plugins.http.tls")
      else { return [] }
      return [
        found(
          facts.mild, host, "the server answers other machines without TLS",
          remedy: "set plugins.http.tls, or let only a proxy that speaks TLS reach it")
      ]
    },
    ValidationRule("SEC004", .security, "Somebody can prove who they are.") { facts, found in
      guard facts.has("http"), !isSet(facts, "plugins.http.auth.api_keys"), !isSet(facts, "plugins.http.auth.jwt")
      else { return [] }
      return [
        found(
          facts.mild, nil, "no API key and no JWT is accepted: whatever is not open answers nobody",
          remedy: "set plugins.http.auth.api_keys or plugins.http.auth.jwt")
      ]
    },
    ValidationRule("SEC005", .security, "Clients are limited.") { facts, found in
      guard facts.has("http"), !isSet(facts, "plugins.http.rate_limits.rules") else { return [] }
      return [
        found(
          facts.mild, nil, "no client is limited: one can take all there is",
          remedy: "set plugins.http.rate_limits.rules")
      ]
    },
    ValidationRule("SEC006", .security, "Management routes are not open.") { facts, found in
      facts.facts.filter { $0.key.hasSuffix("access") && $0.text == "open" && $0.path != "plugins.health.access" }.map {
        found(facts.mild, $0, "everybody may call it", remedy: "name a role, such as operator")
      }
    },
  ]

  /// Whether a value is one that somebody proves something with. Addresses have rules of their own.
  private static func isCredential(_ fact: ConfigurationFacts.Fact) -> Bool {
    guard fact.report.isSecret, fact.url == nil, let text = fact.text, !text.isEmpty else { return false }
    return ["secret", "password", "token", "key"].contains { fact.key.contains($0) }
  }

  /// Whether anything is set at or below a key.
  private static func isSet(_ facts: ConfigurationFacts, _ path: String) -> Bool {
    facts.facts.contains { fact in
      guard fact.path == path || fact.path.hasPrefix(path + ".") || fact.path.hasPrefix(path + "[") else {
        return false
      }
      switch fact.report.content.reveal() {
      case .null: return false
      case .array(let list): return !list.isEmpty
      case .object(let object): return !object.isEmpty
      default: return true
      }
    }
  }
}
