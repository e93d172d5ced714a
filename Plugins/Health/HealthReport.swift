import MainstayCapabilities
import MainstayKernel

/// How the host is, in full: a value, made of what the kernel and the machine say at one moment.
struct HealthReport: Sendable {
  /// The host's name.
  let name: String
  /// The program's version.
  let version: String
  /// For what kind of work the host runs.
  let environment: HostEnvironment
  /// What the kernel says.
  let host: HostStatus
  /// What the checks say.
  let checks: [CheckAnswer]
  /// What the process uses.
  let resources: ResourceReading
  /// How much of that is too much.
  let levels: [(resource: String, level: Threshold.Level)]
  /// Checks that were not taken, and why.
  let refusedChecks: [String]

  /// The state in one word.
  var status: HealthStatus {
    HealthStatus(host, checks: checks, isOverloaded: levels.contains { $0.level == .critical })
  }

  /// What keeps the host from being wholly well, a sentence each. Names plugins, checks and resources, never their errors.
  var reasons: [String] {
    host.reasons + checks.compactMap(\.reason)
      + levels.filter { $0.level == .critical }.map { "\($0.resource) is above its critical threshold" }
  }

  /// What is worth a look, a sentence each.
  var warnings: [String] {
    refusedChecks + levels.filter { $0.level == .warning }.map { "\($0.resource) is above its warning threshold" }
  }
}

extension HealthReport {
  /// `/health`: what everybody may know.
  var summary: JSONObject {
    var object: JSONObject = [
      "status": .string(status.rawValue), "version": .string(version), "uptime": .number(host.uptime.rounded),
      "uptimeHuman": .string(host.uptime.human),
    ]
    let reasons = reasons
    if !reasons.isEmpty { object["reasons"] = .array(reasons.map { .string($0) }) }
    return object
  }

  /// `/health/comprehensive`
  var json: JSONValue {
    var object = summary
    object["name"] = .string(name)
    object["environment"] = .string(environment.rawValue)
    object["state"] = .string(host.state.rawValue)
    if !warnings.isEmpty { object["warnings"] = .array(warnings.map { .string($0) }) }
    object["memory"] = memoryJSON
    object["cpu"] = processorJSON
    object["system"] = systemJSON
    object["thresholds"] = .object(JSONObject(levels.map { ($0.resource, .string($0.level.rawValue)) }))
    object["features"] = .array(host.plugins.map { .string($0.name) })
    object["services"] = .object(JSONObject(host.plugins.map { ($0.name, service($0)) }))
    object["start"] = start
    object["configuration"] = [
      "generation": .integer(Int64(host.generation)), "rejectedReloads": .integer(Int64(host.rejectedReloads)),
    ]
    return .object(object)
  }

  /// One plugin with its checks.
  private func service(_ plugin: PluginStatus) -> JSONValue {
    let own = checks.filter { $0.plugin == plugin.name }
    var object = plugin.health
    let states = own.map(\.counted)
    if plugin.state == .running, states.contains(.unhealthy) {
      object["status"] = "unhealthy"
    } else if plugin.state == .running, states.contains(.degraded) {
      object["status"] = "degraded"
    }
    if !own.isEmpty { object["checks"] = .object(JSONObject(own.map { ($0.check.name, $0.json) })) }
    object["latencyMilliseconds"] = own.compactMap { $0.last?.latency }.max().map { .number($0.milliseconds) }
    return .object(object)
  }

  private var memoryJSON: JSONValue? {
    let memory = resources.memory
    var object = JSONObject()
    for (name, bytes) in [
      ("resident", memory.resident), ("workingSet", memory.workingSet), ("limit", memory.limit),
      ("machine", memory.machine), ("available", memory.available),
    ] { object[name] = bytes.map { .integer(Int64($0)) } }
    object["usedPercent"] = memory.usedPercent.map { .number($0.twoDigits) }
    return object.isEmpty ? nil : .object(object)
  }

  private var processorJSON: JSONValue? {
    guard let share = resources.processor else { return nil }
    var object: JSONObject = [
      "percent": .number(share.percent.twoDigits), "interval": .number(share.interval.rounded),
    ]
    object["usedPercent"] = resources.processorPercent.map { .number($0.twoDigits) }
    return .object(object)
  }

  private var systemJSON: JSONValue? {
    let system = resources.system
    var object = JSONObject()
    object["load"] = system.load.map { .array($0.map { .number($0) }) }
    object["cores"] = system.cores.map { .integer(Int64($0)) }
    object["quota"] = system.quota.map { .number($0.twoDigits) }
    object["diskUsedPercent"] = resources.diskPercent.map { .number($0.twoDigits) }
    if !resources.pressure.isEmpty {
      object["pressure"] = .object(JSONObject(resources.pressure.map { ($0.resource, .number($0.percent)) }))
    }
    object["threadPoolLagMilliseconds"] = .number(resources.lag.milliseconds)
    return .object(object)
  }

  /// How long the start took, in all and for each plugin, in milliseconds.
  private var start: JSONValue {
    var object: JSONObject = [
      "plugins": .object(
        JSONObject(
          host.plugins.compactMap { plugin in
            plugin.startDuration.map { (plugin.name, .number($0.milliseconds)) }
          }))
    ]
    object["milliseconds"] = host.startDuration.map { .number($0.milliseconds) }
    return .object(object)
  }
}

extension PluginStatus {
  /// One plugin, as `/health/comprehensive` shows it.
  fileprivate var health: JSONObject {
    var object: JSONObject = [
      "status": .string(state == .running ? "healthy" : state == .failed ? "unhealthy" : "degraded"),
      "state": .string(state.rawValue), "version": .string(version), "restarts": .integer(Int64(restarts)),
    ]
    object["startMilliseconds"] = startDuration.map { .number($0.milliseconds) }
    object["failure"] = failure.map { .string($0) }
    if !waitsFor.isEmpty { object["waitsFor"] = .array(waitsFor.map { .string($0) }) }
    return object
  }
}

extension HealthReport {
  /// `/health/report`: the same for people.
  var text: String {
    var lines = ["\(name) \(version) is \(status.rawValue)", ""]
    lines += reasons.map { "  ! \($0)" } + warnings.map { "  ? \($0)" }
    if !(reasons + warnings).isEmpty { lines.append("") }
    lines += facts.map { "  " + Self.padded($0.0, 13) + $0.1 }
    lines += ["", "  " + row("PLUGIN", "STATE", "START", "RESTARTS")]
    lines += host.plugins.map { plugin in
      let start = plugin.startDuration.map { "\($0.milliseconds) ms" } ?? "-"
      let line = "  " + row(plugin.name, plugin.state.rawValue, start, "\(plugin.restarts)")
      return plugin.failure.map { line + "\n      " + $0 } ?? line
    }
    if !checks.isEmpty { lines += ["", "  " + row("CHECK", "STATUS", "LATENCY", "FOUND")] + checks.map(line) }
    return lines.joined(separator: "\n") + "\n"
  }

  private func line(_ check: CheckAnswer) -> String {
    let latency = check.last.map { "\($0.latency.milliseconds) ms" } ?? "-"
    return "  " + row(check.name, check.counted.rawValue, latency, check.last?.finding.message ?? "-")
  }

  private var facts: [(String, String)] {
    var facts = [("environment", environment.rawValue), ("state", host.state.rawValue), ("up for", host.uptime.human)]
    if let start = host.startDuration { facts.append(("started in", "\(start.milliseconds) ms")) }
    let (memory, system) = (resources.memory, resources.system)
    if let resident = memory.resident {
      facts.append(("memory", Self.mebibytes(resident) + (memory.limit.map { " of " + Self.mebibytes($0) } ?? "")))
    }
    if let processor = resources.processor {
      facts.append(("cpu", "\(processor.percent.twoDigits) % of one core, over \(processor.interval.human)"))
    }
    if let load = system.load { facts.append(("load", load.map { "\($0)" }.joined(separator: ", "))) }
    if let cores = system.cores { facts.append(("cores", "\(cores)")) }
    if let disk = resources.diskPercent { facts.append(("disk", "\(disk.twoDigits) % used")) }
    facts.append(("thread lag", "\(resources.lag.milliseconds) ms at worst"))
    return facts
  }

  private func row(_ name: String, _ state: String, _ start: String, _ restarts: String) -> String {
    let width = ((host.plugins.map(\.name.count) + checks.map(\.name.count)).max() ?? 0) + 2
    return Self.padded(name, max(width, 8)) + Self.padded(state, 10) + Self.padded(start, 14) + restarts
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  private static func mebibytes(_ bytes: Int) -> String { "\((Double(bytes) / 1_048_576).twoDigits) MiB" }
}

extension Duration {
  /// Seconds, to the millisecond.
  var rounded: Double { (self / .milliseconds(1)).rounded() / 1000 }

  /// Milliseconds, to the hundredth.
  var milliseconds: Double { (self / .milliseconds(1)).twoDigits }

  /// The time since 1970 as RFC 3339 has it: `2026-01-31T12:00:00Z`.
  var timestamp: String {
    let seconds = components.seconds
    // Days are counted from 0000-03-01, so that the leap day is the last of its year.
    let days = seconds / 86_400 + 719_468
    let era = days / 146_097
    let dayOfEra = days % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let date = [year, month, dayOfYear - (153 * shifted + 2) / 5 + 1]
    let time = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60]
    func text(_ parts: [Int64], _ separator: String) -> String {
      parts.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: separator)
    }
    return text(date, "-") + "T" + text(time, ":") + "Z"
  }

  /// `3d 4h 5m 6s`, without leading zeros; `0s`.
  var human: String {
    let seconds = components.seconds
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")]
    let shown = parts.drop { $0.0 == 0 }
    return shown.isEmpty ? "0s" : shown.map { "\($0.0)\($0.1)" }.joined(separator: " ")
  }
}

extension Double {
  var twoDigits: Double { (self * 100).rounded() / 100 }
}
