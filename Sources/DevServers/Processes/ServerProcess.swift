import Glibc
import Synchronization

/// A private server's process and folder: what PostgreSQL, Redis and the sentinel have in common.
///
/// It ends with this process, however this process ends: ``KeeperScript`` stands between the two. Waiting is done by
/// looking every few milliseconds, in the machine's own time, since a process does not live by a host's clock.
public final class ServerProcess: Sendable {
  private struct Run: Sendable {
    /// The end whose closing stops the server.
    var lifeline: OpenFile?
    var keeper: ChildProcess
    /// 0 until the keeper has told it.
    var server: pid_t
  }

  let folder: ServerFolder
  let plan: ServerPlan
  private let run = Mutex<Run?>(nil)

  private init(_ plan: ServerPlan, in folder: ServerFolder) {
    (self.plan, self.folder) = (plan, folder)
  }

  /// Starts a server and waits until it answers. On failure, what was started has ended; the folder is the caller's.
  static func start(_ plan: ServerPlan, in folder: ServerFolder) async throws -> ServerProcess {
    let process = ServerProcess(plan, in: folder)
    try await process.launch()
    return process
  }

  // MARK: - What it is

  /// The number of the server's main process; nil while it does not run.
  public var processID: Int32? {
    run.withLock { run in run?.keeper.hasEnded ?? true ? nil : run?.server }
  }

  /// Whether the main process lives. One that is paused does.
  public var isRunning: Bool { processID != nil }

  /// The processes that the server consists of, its main process among them.
  public var processIDs: [Int32] { ServerProcesses.inside(plan.workingFolder) }

  /// The end of what the server has written since it was first started, at most 64 KiB.
  public var log: String { tail(of: logPath) }

  var logPath: String { folder.path + "/log" }

  // MARK: - What can be done to it

  /// Sends a signal to the main process, or to another process of this server, such as a backend.
  public func signal(_ number: Int32, process: Int32? = nil) throws(DevServerError) {
    guard let main = processID else { throw notRunning }
    guard let process, process != main else { return try send(number, to: main) }
    guard processIDs.contains(process) else {
      throw DevServerError(.badOptions, "process \(process) is none of this \(plan.name)'s")
    }
    try send(number, to: process)
  }

  /// Stops the main process where it stands (SIGSTOP): connections stay open and are answered no more.
  public func pause() throws(DevServerError) { try signal(SIGSTOP) }

  /// Lets a paused main process go on (SIGCONT).
  public func resume() throws(DevServerError) { try signal(SIGCONT) }

  /// Kills every process of the server at once (SIGKILL), as a power cut would, and waits until they are gone.
  /// ``restart()`` brings it back.
  public func kill() async {
    if let main = processID { Glibc.kill(main, SIGKILL) }
    while !hasEnded { await Spawn.pause() }
    await endRest()
  }

  /// Stops the server if it runs, and starts it again with the same data, the same socket and the same port.
  public func restart() async throws {
    await end()
    try await launch()
  }

  /// Stops the server, by force where its time is over, and removes its folder. Data that are kept stay. May be called
  /// more than once.
  public func stop() async {
    await end()
    await folder.remove()
  }

  // MARK: - How

  private var notRunning: DevServerError { DevServerError(.notRunning, "this \(plan.name) does not run") }

  private var hasEnded: Bool { run.withLock { $0?.keeper.hasEnded ?? true } }

  private func send(_ number: Int32, to process: pid_t) throws(DevServerError) {
    guard Glibc.kill(process, number) == 0 else {
      throw .system(.notRunning, "cannot signal process \(process) of \(plan.name)", errno)
    }
  }

  /// Closes the lifeline, upon which the keeper stops the server, and waits for both.
  private func end() async {
    run.withLock { $0?.lifeline = nil }
    // Beyond this the keeper itself is stuck, or somebody has stopped it.
    let deadline = ContinuousClock.now.advanced(by: plan.stopLimit + .seconds(5))
    while !hasEnded, ContinuousClock.now < deadline { await Spawn.pause() }
    if let keeper = run.withLock({ run in run?.keeper.hasEnded ?? true ? nil : run?.keeper.id }) {
      Glibc.kill(keeper, SIGKILL)
      while !hasEnded { await Spawn.pause() }
    }
    await endRest()
  }

  /// Ends what a server that was killed has left running. A process in an uninterruptible wait is not waited for.
  private func endRest() async {
    let deadline = ContinuousClock.now.advanced(by: .seconds(5))
    while case let rest = processIDs, !rest.isEmpty, ContinuousClock.now < deadline {
      for process in rest { Glibc.kill(process, SIGKILL) }
      await Spawn.pause()
    }
  }

  private func launch() async throws {
    try Task.checkCancellation()
    let deadline = ContinuousClock.now.advanced(by: plan.startLimit)
    do {
      try await spawn(before: deadline)
      try await waitUntilItServes(before: deadline)
    } catch {
      await end()
      throw error
    }
  }

  private func spawn(before deadline: ContinuousClock.Instant) async throws {
    let lifeline = try OpenFile.channel()
    let report = try OpenFile.channel()
    let log = try OpenFile(logPath, O_WRONLY | O_APPEND | O_CREAT)
    let keeper = try Spawn(
      command: ["/bin/sh", "-c", KeeperScript.text, "mainstay-keeper", folder.path, plan.stopSignal, patience]
        + plan.account.prefix + plan.command,
      descriptors: [nil, log, log, lifeline.keeper, report.keeper, folder.lock] + (plan.dataLock.map { [$0] } ?? [])
    ).start()
    run.withLock { $0 = Run(lifeline: lifeline.host, keeper: ChildProcess(keeper), server: 0) }
    let server = try await number(from: report.host, before: deadline)
    run.withLock { $0?.server = server }
  }

  /// Tenths of a second.
  private var patience: String { String(max(1, Int(plan.stopLimit / .milliseconds(100)))) }

  /// The server's number, which the keeper writes as its first act.
  private func number(from report: OpenFile, before deadline: ContinuousClock.Instant) async throws -> pid_t {
    _ = fcntl(report.number, F_SETFL, O_NONBLOCK)
    var text: [UInt8] = []
    while ContinuousClock.now < deadline {
      var buffer = [UInt8](repeating: 0, count: 32)
      let count = read(report.number, &buffer, buffer.count)
      if count > 0 {
        text += buffer[..<count]
        if text.last == UInt8(ascii: "\n"), let number = pid_t(String(decoding: text.dropLast(), as: UTF8.self)) {
          return number
        }
      } else {
        guard count < 0, errno == EAGAIN || errno == EINTR else { break }
        try Task.checkCancellation()
        await Spawn.pause(.milliseconds(1))
      }
    }
    throw DevServerError(.spawn, "\(plan.name) could not be started\(lastLines)")
  }

  private func waitUntilItServes(before deadline: ContinuousClock.Instant) async throws {
    while await !plan.probe.asks(until: deadline) {
      try Task.checkCancellation()
      guard !hasEnded else {
        throw DevServerError(.endedAtStart, "\(plan.name) ended before it served\(lastLines)")
      }
      guard ContinuousClock.now < deadline else {
        throw DevServerError(.noAnswer, "\(plan.name) did not serve within \(plan.startLimit)\(lastLines)")
      }
      await Spawn.pause()
    }
  }

  /// What the server has said last, for an error.
  private var lastLines: String {
    let lines = log.split(separator: "\n").suffix(8)
    return lines.isEmpty ? "; it wrote nothing" : "; it wrote:\n  " + lines.joined(separator: "\n  ")
  }
}
