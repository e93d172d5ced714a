/// How a server is started, asked and stopped.
struct ServerPlan: Sendable {
  /// What people call it.
  let name: String
  /// The program's path, then its arguments.
  var command: [String]
  /// As whom it runs.
  let account: ServerAccount
  /// Where it works; its processes are found by it.
  let workingFolder: String
  /// The lock of data that are kept.
  var dataLock: OpenFile?
  /// Whether it answers.
  let probe: SocketProbe
  /// The signal that stops it, as `kill` names it.
  let stopSignal: String
  /// The most time to answer.
  let startLimit: Duration
  /// The most time to stop; then it is killed.
  let stopLimit: Duration
}
