import MainstayKernel
import Synchronization

/// A change of the running configuration: when, at whose request, what.
struct AuditedChange: Sendable {
  /// Time since 1970.
  let at: Duration
  /// The generation it led to; nil if it was refused.
  let generation: Int?
  /// Who asked for it: `SIGHUP`, `a change of host.yaml`, `request 4bf9…`.
  let by: String
  /// What changed, secrets redacted.
  let changes: [ConfigChange]
  /// Why it was refused; nil if it was applied.
  let refusal: String?

  var json: JSONValue {
    var object: JSONObject = [
      "at": .number((at / .milliseconds(1)).rounded() / 1000),
      "by": .string(by), "applied": .bool(refusal == nil),
      "changes": .array(changes.map(\.json)),
    ]
    object["generation"] = generation.map { .integer(Int64($0)) }
    object["refusal"] = refusal.map { .string($0) }
    return .object(object)
  }
}

/// The last changes of the configuration, and the values by which the next is told.
final class ConfigurationAudit: Sendable {
  private struct State {
    var values: [ConfigValueReport]
    var changes: [AuditedChange] = []
    var total = 0
  }

  /// How many are kept; the oldest are forgotten.
  static let capacity = 500

  private let state: Mutex<State>

  init(_ values: [ConfigValueReport]) { state = Mutex(State(values: values)) }

  /// The changes that are kept, the newest first.
  var changes: [AuditedChange] { state.withLock { $0.changes.reversed() } }
  /// How many there have been.
  var total: Int { state.withLock { $0.total } }

  /// A new configuration runs.
  func applied(_ values: [ConfigValueReport], generation: Int, at: Duration, by: String) -> AuditedChange {
    let old = state.withLock { state in
      defer { state.values = values }
      return state.values
    }
    let change = AuditedChange(
      at: at, generation: generation, by: by, changes: ConfigChange.changes(from: old, to: values),
      refusal: nil)
    add(change)
    return change
  }

  /// A new configuration was refused.
  func refused(_ reason: String, at: Duration, by: String) {
    add(AuditedChange(at: at, generation: nil, by: by, changes: [], refusal: reason))
  }

  private func add(_ change: AuditedChange) {
    state.withLock { state in
      state.changes.append(change)
      state.total += 1
      if state.changes.count > Self.capacity { state.changes.removeFirst() }
    }
  }
}
