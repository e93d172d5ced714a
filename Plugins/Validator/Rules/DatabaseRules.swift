import MainstayKernel

extension ValidationRule {
  /// PostgreSQL.
  static let database = [
    ValidationRule("DB001", .database, "Addresses of databases are such.") { facts, found in
      databases(facts).filter { $0.key.hasSuffix("url") }.compactMap { fact in
        guard let text = fact.text, !text.isEmpty else { return nil }
        // libpq also takes `key=value` pairs.
        guard let url = fact.url else {
          return text.contains("=")
            ? nil : found(.error, fact, "is no address", remedy: "write postgres://user@host/name")
        }
        guard !isPostgres(url) else { return nil }
        return found(.error, fact, "has the scheme '\(url.scheme)'", remedy: "write postgres:// or postgresql://")
      }
    },
    ValidationRule("DB002", .database, "Databases on other machines ask for a password.") { facts, found in
      remote(facts).compactMap { fact, url in
        (url.password ?? "").isEmpty
          ? found(facts.mild, fact, "names no password", remedy: "give one, unless certificates or a passfile prove it")
          : nil
      }
    },
    ValidationRule("DB003", .database, "Connections to databases on other machines are encrypted.") { facts, found in
      remote(facts).compactMap { fact, url in
        guard !url.isEncrypted, !isEncrypted(beside: fact, facts) else { return nil }
        return found(
          facts.strict, fact, "does not insist on TLS: what is read and written can be overheard",
          remedy: "add ?sslmode=verify-full to the address, or set ssl")
      }
    },
    ValidationRule("DB004", .database, "Whoever waits for a connection still has time to use it.") { facts, found in
      guard let fact = facts["plugins.pool.postgres.acquire_timeout"], let wait = fact.text.flatMap(seconds),
        let request = facts["plugins.http.limits.request_timeout"]?.text.flatMap(seconds), wait >= request
      else { return [] }
      return [
        found(
          .info, fact, "a request ends (\(Int(request)) s) before it is told that there is no connection",
          remedy: "make it shorter than plugins.http.limits.request_timeout")
      ]
    },
    ValidationRule("DB005", .database, "The pool is not larger than what a server takes.") { facts, found in
      databases(facts).filter { $0.key == "max" }.compactMap { fact in
        guard let max = fact.number, max > 97 else { return nil }
        return found(
          .warning, fact, "\(max) connections are more than the 97 that PostgreSQL takes unless it is told otherwise",
          remedy: "raise max_connections of the server, or lower it")
      }
    },
  ]

  /// Redis.
  static let redis = [
    ValidationRule("RED001", .redis, "Addresses of Redis are such.") { facts, found in
      facts.facts.filter { $0.path.hasPrefix("plugins.pool.redis") && $0.key == "url" }.compactMap { fact in
        guard let text = fact.text, !text.isEmpty, !isRedis(fact.url) else { return nil }
        return found(.error, fact, "is no address of a Redis server", remedy: "write redis:// or rediss://")
      }
    },
    ValidationRule("RED002", .redis, "Redis on other machines asks for a password.") { facts, found in
      remoteRedis(facts).compactMap { fact, url in
        (url.password ?? "").isEmpty
          ? found(
            facts.strict, fact, "names no password: whoever reaches it may read and write",
            remedy: "set requirepass or an ACL")
          : nil
      }
    },
    ValidationRule("RED003", .redis, "Connections to Redis on other machines are encrypted.") { facts, found in
      remoteRedis(facts).compactMap { fact, url in
        url.isEncrypted
          ? nil : found(facts.mild, fact, "what is cached can be overheard", remedy: "use rediss://")
      }
    },
  ]

  /// The values of the pool's databases.
  private static func databases(_ facts: ConfigurationFacts) -> [ConfigurationFacts.Fact] {
    facts.facts.filter { fact in
      ["plugins.pool.postgres.", "plugins.pool.databases."].contains { fact.path.hasPrefix($0) }
    }
  }

  private static func isPostgres(_ url: ServiceURL?) -> Bool { ["postgres", "postgresql"].contains(url?.scheme) }
  private static func isRedis(_ url: ServiceURL?) -> Bool { ["redis", "rediss", "unix"].contains(url?.scheme) }

  private static func remote(_ facts: ConfigurationFacts) -> [(ConfigurationFacts.Fact, ServiceURL)] {
    facts.facts.compactMap { fact in
      fact.url.flatMap { isPostgres($0) && !$0.isLocal ? (fact, $0) : nil }
    }
  }

  private static func remoteRedis(_ facts: ConfigurationFacts) -> [(ConfigurationFacts.Fact, ServiceURL)] {
    facts.facts.compactMap { fact in
      fact.url.flatMap { isRedis($0) && !$0.isLocal ? (fact, $0) : nil }
    }
  }

  /// Whether `ssl` beside an address asks for encryption.
  private static func isEncrypted(beside fact: ConfigurationFacts.Fact, _ facts: ConfigurationFacts) -> Bool {
    let section = fact.path.prefix(fact.path.count - fact.path.reversed().prefix { $0 != "." }.count)
    return ["require", "verify-ca", "verify-full", "true"].contains(facts[String(section) + "ssl"]?.text ?? "")
  }
}
