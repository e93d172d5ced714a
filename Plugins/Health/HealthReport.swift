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
  /// What the process uses.
  let memory: HealthReadings.Memory
  /// What the process uses of the processors; nil before it was measured.
  let processor: ProcessorUsage.Share?
  /// What the machine is and does.
  let system: HealthReadings.System

  /// The state in one word.
  var status: HealthStatus { HealthStatus(host) }
}

extension HealthReport {
  /// `/health`: what everybody may know.
  static func summary(_ host: HostStatus, version: String) -> JSONObject {
    var object: JSONObject = [
      "status": .string(HealthStatus(host).rawValue), "version": .string(version),
      "uptime": .number(host.uptime.rounded), "uptimeHuman": .string(host.uptime.human),
    ]
    let reasons = host.reasons
    if !reasons.isEmpty { object["reasons"] = .array(reasons.map { .string($0) }) }
    return object
  }

  /// `/health/comprehensive`
  var json: JSONValue {
    var object = Self.summary(host, version: version)
    object["name"] = .string(name)
    object["environment"] = .string(environment.rawValue)
    object["state"] = .string(host.state.rawValue)
    object["memory"] = memoryJSON
    object["cpu"] = processor.map { share in
      ["percent": .number(share.percent.twoDigits), "interval": .number(share.interval.rounded)]
    }
    object["system"] = systemJSON
    object["features"] = .array(host.plugins.map { .string($0.name) })
    object["services"] = .object(JSONObject(host.plugins.map { ($0.name, $0.health) }))
    object["start"] = start
    object["configuration"] = [
      "generation": .integer(Int64(host.generation)), "rejectedReloads": .integer(Int64(host.rejectedReloads)),
    ]
    return .object(object)
  }

  private var memoryJSON: JSONValue? {
    var object = JSONObject()
    object["resident"] = memory.resident.map { .integer(Int64($0)) }
    object["limit"] = memory.limit.map { .integer(Int64($0)) }
    return object.isEmpty ? nil : .object(object)
  }

  private var systemJSON: JSONValue? {
    var object = JSONObject()
    object["load"] = system.load.map { .array($0.map { .number($0) }) }
    object["cores"] = system.cores.map { .integer(Int64($0)) }
    return object.isEmpty ? nil : .object(object)
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
  fileprivate var health: JSONValue {
    var object: JSONObject = [
      "status": .string(state == .running ? "healthy" : state == .failed ? "unhealthy" : "degraded"),
      "state": .string(state.rawValue), "version": .string(version), "restarts": .integer(Int64(restarts)),
    ]
    object["startMilliseconds"] = startDuration.map { .number($0.milliseconds) }
    object["failure"] = failure.map { .string($0) }
    if !waitsFor.isEmpty { object["waitsFor"] = .array(waitsFor.map { .string($0) }) }
    return .object(object)
  }
}

extension HealthReport {
  /// `/health/report`: the same for people.
  var text: String {
    var lines = ["\(name) \(version) is \(status.rawValue)", ""]
    lines += host.reasons.map { "  ! \($0)" }
    if !host.reasons.isEmpty { lines.append("") }
    lines += facts.map { "  " + Self.padded($0.0, 13) + $0.1 }
    lines += ["", "  " + row("PLUGIN", "STATE", "START", "RESTARTS")]
    lines += host.plugins.map { plugin in
      let start = plugin.startDuration.map { "\($0.milliseconds) ms" } ?? "-"
      let line = "  " + row(plugin.name, plugin.state.rawValue, start, "\(plugin.restarts)")
      return plugin.failure.map { line + "\n      " + $0 } ?? line
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var facts: [(String, String)] {
    var facts = [("environment", environment.rawValue), ("state", host.state.rawValue), ("up for", host.uptime.human)]
    if let start = host.startDuration { facts.append(("started in", "\(start.milliseconds) ms")) }
    if let resident = memory.resident {
      facts.append(("memory", Self.mebibytes(resident) + (memory.limit.map { " of " + Self.mebibytes($0) } ?? "")))
    }
    if let processor {
      facts.append(("cpu", "\(processor.percent.twoDigits) % of one core, over \(processor.interval.human)"))
    }
    if let load = system.load { facts.append(("load", load.map { "\($0)" }.joined(separator: ", "))) }
    if let cores = system.cores { facts.append(("cores", "\(cores)")) }
    return facts
  }

  private func row(_ name: String, _ state: String, _ start: String, _ restarts: String) -> String {
    let width = (host.plugins.map(\.name.count).max() ?? 0) + 2
    return Self.padded(name, max(width, 8)) + Self.padded(state, 10) + Self.padded(start, 14) + restarts
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  private static func mebibytes(_ bytes: Int) -> String { "\((Double(bytes) / 1_048_576).twoDigits) MiB" }
}

extension Duration {
  /// Seconds, to the millisecond.
  fileprivate var rounded: Double { (self / .milliseconds(1)).rounded() / 1000 }

  /// Milliseconds, to the hundredth.
  fileprivate var milliseconds: Double { (self / .milliseconds(1)).twoDigits }

  /// `3d 4h 5m 6s`, without leading zeros; `0s`.
  var human: String {
    let seconds = components.seconds
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")]
    let shown = parts.drop { $0.0 == 0 }
    return shown.isEmpty ? "0s" : shown.map { "\($0.0)\($0.1)" }.joined(separator: " ")
  }
}

extension Double {
  fileprivate var twoDigits: Double { (self * 100).rounded() / 100 }
}
