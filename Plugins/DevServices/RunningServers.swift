import Logging
import MainstayCapabilities
import MainstayDevServers
import MainstayKernel
import Synchronization

/// The servers that somebody has asked for: each is started once, watched, and brought back when it dies.
final class RunningServers: DevelopmentServers {
  /// Deaths of one server within ``deathWindow`` after which it is given up: whatever ends it will end it again.
  static let mostDeaths = 5
  static let deathWindow = Duration.seconds(60)
  private static let interval = Duration.milliseconds(500)

  /// One server that serves.
  fileprivate struct Entry: Sendable {
    let server: any DevServer
    let endpoint: DevelopmentServer
    var since: ContinuousClock.Instant
    var restarts = 0
    var deaths: [ContinuousClock.Instant] = []
  }

  /// One server that is being started, or has been.
  private struct Start: Sendable {
    let id: Int
    let task: Task<DevelopmentServer, any Error>
    /// Who waits for it, less those who have given up.
    var waiting: Int
  }

  private struct State: Sendable {
    var starts: [ServerKind: Start] = [:]
    var running: [ServerKind: Entry] = [:]
    var isStopped = false
    var next = 0
  }

  private let making: ServerMaking
  private let context: PluginContext
  private let state = Mutex(State())

  init(_ making: ServerMaking, context: PluginContext) {
    self.making = making
    self.context = context
  }

  func postgres() async throws -> DevelopmentServer { try await endpoint(of: .postgres) }
  func redis() async throws -> DevelopmentServer { try await endpoint(of: .redis) }

  // MARK: - Starting

  /// The server, started by the first who asks. When everybody who waits has given up, so does the start.
  private func endpoint(of kind: ServerKind) async throws -> DevelopmentServer {
    let start = try state.withLock { state throws(CancellationError) in
      guard !state.isStopped else { throw CancellationError() }
      state.next += 1
      let id = state.next
      var start =
        state.starts[kind]
        ?? Start(id: id, task: Task { try await self.launch(kind, id) }, waiting: 0)
      start.waiting += 1
      state.starts[kind] = start
      return start
    }
    return try await withTaskCancellationHandler {
      try await start.task.value
    } onCancel: {
      leave(kind, start.id)
    }
  }

  private func leave(_ kind: ServerKind, _ id: Int) {
    let abandoned = state.withLock { state -> Task<DevelopmentServer, any Error>? in
      guard var start = state.starts[kind], start.id == id else { return nil }
      start.waiting -= 1
      state.starts[kind] = start
      return start.waiting == 0 && state.running[kind] == nil ? start.task : nil
    }
    abandoned?.cancel()
  }

  private func launch(_ kind: ServerKind, _ id: Int) async throws -> DevelopmentServer {
    let began = ContinuousClock.now
    do {
      let made = try await making.make(kind)
      let entry = Entry(server: made.server, endpoint: made.endpoint, since: context.clock.now)
      state.withLock { $0.running[kind] = entry }
      context.bus.publish(
        DevServerStarted(server: made.endpoint.name, duration: began.duration(to: .now), restarts: 0))
      context.logger.info("\(made.endpoint.name) runs for development: \(made.entrance)")
      return made.endpoint
    } catch {
      // The next who asks tries again.
      state.withLock { state in
        if state.starts[kind]?.id == id { state.starts[kind] = nil }
      }
      throw refusal(kind, error)
    }
  }

  private func refusal(_ kind: ServerKind, _ error: any Error) -> any Error {
    let reason: DevelopmentServerUnavailable
    switch error {
    case let error as DevServerError:
      reason = DevelopmentServerUnavailable(isMissing: error.code == .notInstalled, error.message)
    case let error as DevelopmentServerUnavailable:
      reason = error
    default:
      return error
    }
    context.bus.publish(DevServerUnavailable(server: kind.rawValue, reason: reason.message))
    context.logger.warning("no \(kind.rawValue) for development: \(reason.message)")
    return reason
  }

  // MARK: - Watching

  /// Looks after the servers until the task is cancelled. Throws when one keeps dying.
  func watch() async throws {
    while true {
      try await context.clock.sleep(for: Self.interval)
      for (kind, entry) in state.withLock({ $0.running }) where !entry.server.process.isRunning {
        try await revive(kind, entry)
      }
    }
  }

  private func revive(_ kind: ServerKind, _ entry: Entry) async throws {
    var entry = entry
    let now = context.clock.now
    entry.deaths = entry.deaths.filter { $0.duration(to: now) < Self.deathWindow } + [now]
    context.bus.publish(DevServerDied(server: entry.endpoint.name))
    guard entry.deaths.count <= Self.mostDeaths else {
      let count = "has died \(entry.deaths.count) times within a minute"
      throw DevServicesError("\(entry.endpoint.name) \(count)\(Self.lastWords(of: entry.server))")
    }
    context.logger.warning("\(entry.endpoint.name) has ended by itself; it is started again")
    let began = ContinuousClock.now
    do {
      try await entry.server.restart()
    } catch let error as DevServerError {
      throw DevServicesError("\(entry.endpoint.name) has ended by itself and does not come back: \(error.message)")
    }
    entry.restarts += 1
    entry.since = context.clock.now
    state.withLock { [entry] in $0.running[kind] = entry }
    context.bus.publish(
      DevServerStarted(
        server: entry.endpoint.name, duration: began.duration(to: .now), restarts: entry.restarts))
  }

  private static func lastWords(of server: any DevServer) -> String {
    let lines = server.log.split(separator: "\n").suffix(5)
    return lines.isEmpty ? "" : "; it wrote:\n  " + lines.joined(separator: "\n  ")
  }

  // MARK: - State and end

  /// What runs, for `/health/comprehensive`.
  func finding() -> HealthFinding {
    let running = state.withLock { $0.running }
    let now = context.clock.now
    let details = JSONObject(
      ServerKind.allCases.compactMap { kind in
        running[kind].map { (kind.rawValue.lowercased(), $0.json(at: now)) }
      })
    let dead = running.values.filter { !$0.server.process.isRunning }.map(\.endpoint.name).sorted()
    if !dead.isEmpty {
      return .degraded("\(dead.joined(separator: " and ")) ended by itself and is started again", details: details)
    }
    let names = running.values.map(\.endpoint.name).sorted()
    return .healthy(names.isEmpty ? "nobody has asked for a server" : names.joined(separator: ", "), details: details)
  }

  /// Stops what runs and what is on its way.
  func stop() async {
    let starts = state.withLock { state in
      state.isStopped = true
      return state.starts.values.map(\.task)
    }
    for task in starts { task.cancel() }
    for task in starts { _ = try? await task.value }
    let running = state.withLock { state in
      defer { state.running = [:] }
      return state.running.values.map(\.server)
    }
    await withDiscardingTaskGroup { group in
      for server in running { group.addTask { await server.stop() } }
    }
  }
}

extension RunningServers.Entry {
  fileprivate func json(at now: ContinuousClock.Instant) -> JSONValue {
    var object: JSONObject = [
      "name": .string(endpoint.name), "socket": .string(endpoint.socket), "restarts": .integer(Int64(restarts)),
      "uptimeSeconds": .integer(since.duration(to: now).components.seconds),
    ]
    object["processID"] = server.process.processID.map { .integer(Int64($0)) }
    object["port"] = endpoint.port.map { .integer(Int64($0)) }
    return .object(object)
  }
}

/// Why the plugin has failed.
public struct DevServicesError: Error, Sendable, CustomStringConvertible {
  /// What happened, with the last lines of the server's log.
  public let message: String

  init(_ message: String) { self.message = message }

  /// The message.
  public var description: String { message }
}
