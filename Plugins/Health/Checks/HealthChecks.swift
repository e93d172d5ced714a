import MainstayCapabilities
import MainstayKernel
import MainstayResilience
import Synchronization

/// Runs the checks that plugins contribute: all that are due at a time, each once at a time, under its timeout.
///
/// However many ask, a check that is due is run once, and everybody who asked meanwhile waits for that one run.
final class HealthChecks: Sendable {
  /// The defaults for checks that name none.
  struct Settings: Sendable {
    var keeps: Duration = .seconds(5)
    var timeout: Duration = .seconds(2)
    var staleAfter: Duration = .seconds(30)
  }

  private struct Entry {
    let plugin: String
    let check: HealthCheck
    var machine: CheckMachine
    /// The run that is under way, until its answer is known or its time is over.
    var flight: Task<Void, Never>?
    /// Tells an entry from one of the same name that came after it.
    let generation: Int
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var generation = 0
    var refused: [String: String] = [:]
  }

  private let settings: Settings
  private let timer: DeadlineTimer
  private let onChange: @Sendable (CheckAnswer, CheckMachine.Change) -> Void
  private let onRefusal: @Sendable (String) -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - onChange: Told when a check counts as something else than before.
  ///   - onRefusal: Told once of each check that is not taken, and why.
  init(
    _ settings: Settings, timer: DeadlineTimer, onRefusal: @escaping @Sendable (String) -> Void = { _ in },
    onChange: @escaping @Sendable (CheckAnswer, CheckMachine.Change) -> Void = { _, _ in }
  ) {
    self.settings = settings
    self.timer = timer
    self.onRefusal = onRefusal
    self.onChange = onChange
  }

  /// Checks that are not taken, and why, a sentence each.
  var refused: [String] { state.withLock { $0.refused.values.sorted() } }

  /// How often checks have been run.
  var looks: Int { state.withLock { state in state.entries.values.reduce(0) { $0 + $1.machine.looks } } }

  /// The checks there are now. What is known of those that stay is kept.
  func update(_ checks: [Contributed<HealthCheck>]) {
    let news = state.withLock { state -> [String] in
      var refused: [String: String] = [:]
      var entries: [String: Entry] = [:]
      for check in checks {
        let name = "\(check.plugin).\(check.value.name)"
        if let reason = check.value.refusal ?? (entries[name] == nil ? nil : "there is another of that name") {
          refused[name] = "the check '\(name)' was refused: \(reason)"
        } else {
          entries[name] = state.entries[name] ?? entry(check, &state)
        }
      }
      let news = refused.filter { state.refused[$0.key] == nil }.map(\.value)
      state.entries = entries
      state.refused = refused
      return news.sorted()
    }
    for refusal in news { onRefusal(refusal) }
  }

  /// What is known, after looking again wherever that is due. Never takes longer than the longest timeout.
  func answers(in group: HealthCheck.Group? = nil) async -> [CheckAnswer] {
    let now = timer.clock.now
    let flights = state.withLock { state in
      state.entries.keys.compactMap { key -> Task<Void, Never>? in
        guard isIn(group, state.entries[key]) else { return nil }
        return flight(key, &state, at: now)
      }
    }
    for flight in flights { await flight.value }
    return known(in: group)
  }

  /// What is known, without looking.
  func known(in group: HealthCheck.Group? = nil) -> [CheckAnswer] {
    let now = timer.clock.now
    return state.withLock { state in
      state.entries.values.filter { isIn(group, $0) }.map { answer($0, at: now) }
    }.sorted { $0.name < $1.name }
  }

  private func isIn(_ group: HealthCheck.Group?, _ entry: Entry?) -> Bool {
    guard let group else { return true }
    return entry?.check.groups.contains(group) ?? false
  }

  private func entry(_ check: Contributed<HealthCheck>, _ state: inout State) -> Entry {
    state.generation += 1
    let value = check.value
    return Entry(
      plugin: check.plugin, check: value,
      machine: CheckMachine(
        keeps: value.keeps ?? settings.keeps, staleAfter: settings.staleAfter, failAfter: value.failAfter,
        passAfter: value.passAfter),
      generation: state.generation)
  }

  private func answer(_ entry: Entry, at now: ContinuousClock.Instant) -> CheckAnswer {
    CheckAnswer(
      plugin: entry.plugin, check: entry.check, status: entry.machine.status(at: now), last: entry.machine.last,
      age: entry.machine.last.map { $0.at.duration(to: now) }, isStale: entry.machine.isStale(at: now))
  }

  /// The run to wait for; nil if the last answer is good enough.
  private func flight(_ key: String, _ state: inout State, at now: ContinuousClock.Instant) -> Task<Void, Never>? {
    guard var entry = state.entries[key] else { return nil }
    if let flight = entry.flight { return flight }
    guard entry.machine.begin(at: now) else { return nil }
    let (check, generation) = (entry.check, entry.generation)
    // Of its own, so that no caller's cancellation, deadline or retry reaches it.
    entry.flight = Task.detached { [self] in await look(check, key, generation) }
    state.entries[key] = entry
    return entry.flight
  }

  private func look(_ check: HealthCheck, _ key: String, _ generation: Int) async {
    let began = timer.clock.now
    let timeout = check.timeout ?? settings.timeout
    let finding: HealthFinding
    do {
      finding = try await withDeadline(timeout, timer: timer, operation: key, overrun: .abandon) { [self] in
        defer { change(key, generation) { $0.machine.returned() } }
        return try await check.look()
      }
    } catch is DeadlineExceeded {
      finding = .unhealthy("no answer within \(timeout.formattedShort)")
    } catch {
      finding = .unhealthy("\(error)")
    }
    let now = timer.clock.now
    let look = CheckMachine.Look(finding: finding, at: now, latency: began.duration(to: now))
    let news = state.withLock { state -> (CheckAnswer, CheckMachine.Change)? in
      guard var entry = state.entries[key], entry.generation == generation else { return nil }
      entry.flight = nil
      let change = entry.machine.found(look)
      state.entries[key] = entry
      return change.map { (answer(entry, at: now), $0) }
    }
    if let (answer, change) = news { onChange(answer, change) }
  }

  private func change(_ key: String, _ generation: Int, _ body: (inout Entry) -> Void) {
    state.withLock { state in
      guard var entry = state.entries[key], entry.generation == generation else { return }
      body(&entry)
      state.entries[key] = entry
    }
  }
}
