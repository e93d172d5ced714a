import Synchronization

/// What was rendered since the start. Bounded: beyond a thousand names, further ones count as one.
final class RenderStatistics: Sendable {
  struct Entry: Sendable, Equatable {
    var count = 0
    var bytes = 0
    var seconds = 0.0
    var slowest = 0.0
  }

  struct Snapshot: Sendable {
    var total = Entry()
    var failures = 0
    var templates: [String: Entry] = [:]
  }

  private static let mostNames = 1000
  private let state = Mutex(Snapshot())

  var snapshot: Snapshot { state.withLock { $0 } }

  func count(_ name: String, seconds: Double, bytes: Int) {
    state.withLock { state in
      Self.add(seconds, bytes, to: &state.total)
      let isKnown = state.templates[name] != nil || state.templates.count < Self.mostNames
      Self.add(seconds, bytes, to: &state.templates[isKnown ? name : "(others)", default: Entry()])
    }
  }

  func countFailure() { state.withLock { $0.failures += 1 } }

  private static func add(_ seconds: Double, _ bytes: Int, to entry: inout Entry) {
    entry.count += 1
    entry.bytes += bytes
    entry.seconds += seconds
    entry.slowest = max(entry.slowest, seconds)
  }
}
