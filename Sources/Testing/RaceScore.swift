import Synchronization

/// What many rounds of a race have come to, in which some calls are given up and the others must never notice.
package final class RaceScore: Sendable {
  package struct Counts: Sendable {
    package var rounds = 0
    /// Calls that ended because they were given up.
    package var givenUp = 0
    /// Calls that were given up too late.
    package var finished = 0
  }

  private let state = Mutex<(counts: Counts, faults: [String])>((Counts(), []))

  /// Nothing yet.
  package init() {}

  package var counts: Counts { state.withLock { $0.counts } }
  /// What must not have happened.
  package var faults: [String] { state.withLock { $0.faults } }

  package func add(_ change: (inout Counts) -> Void) { state.withLock { change(&$0.counts) } }
  package func fault(_ text: String) { state.withLock { $0.faults.append(text) } }
}
