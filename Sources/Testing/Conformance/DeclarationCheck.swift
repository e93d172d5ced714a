import MainstayKernel

/// What can be seen of a plugin without starting it.
struct DeclarationCheck {
  let trial: ConformanceTrial

  var violations: [String] {
    naming + version + topics + help + (trial.report.map { ["its host cannot be planned:\n\($0)"] } ?? unknownKey)
  }

  private var manifest: PluginManifest { trial.subject.manifest }

  private var naming: [String] {
    let allowed = manifest.name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
      default: false
      }
    }
    guard allowed, manifest.name.first?.isLetter == true else {
      return ["its name '\(manifest.name)' is not in lower_snake_case"]
    }
    return []
  }

  private var version: [String] {
    var violations: [String] = []
    if manifest.version.isEmpty { violations.append("its manifest has no version") }
    if manifest.summary.isEmpty { violations.append("its manifest has no summary") }
    if !KernelAPIVersion.current.supports(manifest.kernelAPI) {
      violations.append(
        "it was written for kernel API \(manifest.kernelAPI), this kernel offers \(KernelAPIVersion.current)")
    }
    return violations
  }

  private var topics: [String] {
    let topics = manifest.events.map { "\($0.topic)" }
    let malformed = topics.filter { $0.hasPrefix("invalid-topic.") }
      .map { "an event has a malformed topic, which became '\($0)'" }
    let repeated = Set(topics).filter { topic in topics.count { $0 == topic } > 1 }.sorted()
      .map { "two events of its manifest have the topic '\($0)'" }
    return malformed + repeated
  }

  private var help: [String] {
    FieldTable(trial.subject.configuration).rows.filter { $0.help.allSatisfy(\.isWhitespace) }
      .map { "the key '\($0.key)' has no line of help" }
  }

  private var unknownKey: [String] {
    let planned = trial.planner(overrides: ["\(trial.name).no_such_key_anywhere=1"]).plan()
    let isRefused = planned.plan == nil && planned.issues.contains { $0.code == .unknownKey }
    return isRefused ? [] : ["an unknown key in its section is not refused"]
  }
}
