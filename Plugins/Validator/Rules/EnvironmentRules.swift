import MainstayKernel
import MainstayResilience

extension ValidationRule {
  /// The host as a whole: mode, ports, logging.
  static let environment = [
    ValidationRule(
      "ENV001", .environment, "Ports are between 1 and 65535, and above 1023 for a host without privileges."
    ) {
      facts, found in
      ports(facts).compactMap { fact, port in
        switch port {
        case 0:
          found(
            facts.mild, fact, "the system chooses the port, so nobody knows it beforehand", remedy: "name a port")
        case 1..<1024: found(.warning, fact, "port \(port) needs privileges", remedy: "use a port above 1023")
        case 1024...65_535: nil
        default: found(.error, fact, "\(port) is no port", remedy: "use a port between 1024 and 65535")
        }
      }
    },
    ValidationRule("ENV002", .environment, "No two plugins listen on the same port.") { facts, found in
      let known = ports(facts).filter { $0.1 != 0 && $0.0.key == "port" }
      return known.enumerated().compactMap { index, entry in
        known.prefix(index).first { $0.1 == entry.1 }.map { other in
          found(
            .error, entry.0, "port \(entry.1) is taken by \(other.0.path)", remedy: "give each a port of its own")
        }
      }
    },
    ValidationRule("ENV003", .environment, "Production does not log what is meant for debugging.") { facts, found in
      guard let fact = facts["logging.level"], let level = fact.text, ["trace", "debug"].contains(level) else {
        return []
      }
      return [
        found(
          facts.mild, fact, "the level '\(level)' writes a lot, and details that may be private",
          remedy: "use info, and raise it for a while when something is looked for")
      ]
    },
    ValidationRule("ENV004", .environment, "Production logs for machines.") { facts, found in
      guard facts.environment == .production, let fact = facts["logging.format"], fact.text == "text" else { return [] }
      return [found(.info, fact, "lines for people cannot be searched by field", remedy: "use json or auto")]
    },
    ValidationRule("ENV005", .environment, "Requests end before the host is forced to.") { facts, found in
      guard let fact = facts["plugins.http.limits.request_timeout"], let timeout = fact.text.flatMap(seconds),
        let grace = facts["host.shutdown.grace"]?.text.flatMap(seconds), timeout > grace
      else { return [] }
      return [
        found(
          .info, fact, "a request may take longer than host.shutdown.grace, so a stop may cut it short",
          remedy: "raise the grace, or lower the timeout")
      ]
    },
    ValidationRule("ENV006", .environment, "A host that other machines reach says what it is for.") { facts, found in
      guard ["development", "test"].contains(facts.environment.rawValue), let fact = facts["host.environment"],
        let address = facts["plugins.http.host"]?.text, !isLocal(address)
      else { return [] }
      let isStated = fact.report.origin != .standard
      return [
        found(
          isStated ? .info : .warning, fact,
          "the host answers other machines, and is held to the mild rules of \(facts.environment.rawValue)",
          remedy: "set host.environment to staging or production, or keep it to 127.0.0.1")
      ]
    },
    ValidationRule("ENV007", .environment, "Retries end before the request that waits for them.") { facts, found in
      guard facts["plugins.retry.request_deadline"]?.text == nil,
        let deadline = facts["plugins.http.limits.request_timeout"]?.text.flatMap(seconds)
      else { return [] }
      return facts.facts.compactMap { fact in
        guard isStrategyOfService(fact), let name = fact.text, let strategy = strategy(name, facts),
          let conflict = strategy.conflict(withDeadline: .milliseconds(Int64(clamping: Int(deadline * 1000))))
        else { return nil }
        return found(
          .warning, fact, conflict,
          remedy:
            "choose a shorter one, raise plugins.http.limits.request_timeout, or call it outside of requests only and "
            + "say so with plugins.retry.request_deadline")
      }
    },
  ]

  /// `plugins.retry.default_strategy`, `plugins.retry.breakers.stripe.strategy`
  private static func isStrategyOfService(_ fact: ConfigurationFacts.Fact) -> Bool {
    fact.path == "plugins.retry.default_strategy"
      || fact.path.hasPrefix("plugins.retry.breakers.") && fact.key == "strategy"
  }

  /// A strategy of the manifest or a preset, as far as its waits go.
  private static func strategy(_ name: String, _ facts: ConfigurationFacts) -> RetryStrategy? {
    let path = "plugins.retry.strategies.\(name)."
    let preset = RetryStrategy.presets.first { $0.name == name }
    guard facts.facts.contains(where: { $0.path.hasPrefix(path) }) else { return preset }
    func duration(_ key: String) -> Duration? {
      facts[path + key]?.text.flatMap(seconds).map { .milliseconds(Int64($0 * 1000)) }
    }
    return RetryStrategy(
      name, attempts: facts[path + "attempts"]?.number ?? 3,
      backoff: Backoff(
        base: duration("delay") ?? .seconds(1),
        factor: facts[path + "factor"]?.report.content.reveal().doubleValue ?? 2,
        cap: duration("max_delay") ?? .seconds(10),
        jitter: facts[path + "jitter"]?.text.flatMap { Backoff.Jitter(rawValue: $0) } ?? .full),
      overallTimeout: duration("overall_timeout"))
  }

  static func isLocal(_ address: String) -> Bool {
    address.hasPrefix("127.") || address == "localhost" || address == "::1"
  }

  /// Values that name ports.
  private static func ports(_ facts: ConfigurationFacts) -> [(ConfigurationFacts.Fact, Int)] {
    // A loop, because the optimizer of Swift 6.3.1 crashes on the same with compactMap.
    var ports: [(ConfigurationFacts.Fact, Int)] = []
    for fact in facts.facts where fact.key == "port" || fact.key.hasSuffix("_port") {
      guard let number = fact.number else { continue }
      ports.append((fact, number))
    }
    return ports
  }

  /// A duration as the manifest writes it: `60s`, `1.5m`.
  static func seconds(_ text: String) -> Double? {
    let digits = text.prefix { $0.isNumber || $0 == "." }
    let units = ["ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400]
    guard let number = Double(digits), let unit = units[String(text.dropFirst(digits.count))] else { return nil }
    return number * unit
  }
}
