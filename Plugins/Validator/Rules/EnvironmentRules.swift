import MainstayKernel

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
  ]

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
