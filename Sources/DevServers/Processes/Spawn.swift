import Glibc

/// A process to start: in a session of its own, so that Ctrl-C at the terminal is none of its business; with the signals
/// as a new process expects them; with no descriptor but those it is given; and with an environment made for it, since
/// variables such as PGPORT would change what servers do.
struct Spawn: Sendable {
  /// The program's path, then its arguments.
  let command: [String]
  /// The child's standard input, standard output and error, and so on; nil is /dev/null.
  let descriptors: [OpenFile?]

  /// Starts it.
  func start() throws(DevServerError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for (number, file) in descriptors.enumerated() {
      if let file {
        posix_spawn_file_actions_adddup2(&actions, file.number, Int32(number))
      } else {
        posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", O_RDWR, 0)
      }
    }
    _ = closeFrom?(&actions, Int32(descriptors.count))
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(newSession | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    return try spawn(&actions, &attributes)
  }

  private func spawn(
    _ actions: inout posix_spawn_file_actions_t, _ attributes: inout posix_spawnattr_t
  ) throws(DevServerError) -> pid_t {
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = Self.environment.map { strdup($0) } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var child: pid_t = 0
    let failure = posix_spawn(&child, command[0], &actions, &attributes, &arguments, &variables)
    guard failure == 0 else { throw .system(.spawn, "cannot start \(command[0])", failure) }
    return child
  }

  private static let environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]

  /// Starts it and waits until it has ended: its exit code, or 128 and the number of the signal that ended it.
  /// - Parameter unlessCancelled: whether it is killed, with its children, when the task is cancelled.
  func run(unlessCancelled: Bool = false) async throws(DevServerError) -> Int32 {
    var child = ChildProcess(try start())
    while !child.hasEnded {
      if unlessCancelled, Task.isCancelled { kill(-child.id, SIGKILL) }
      await Self.pause()
    }
    return child.exitCode ?? 1
  }

  /// Lets a little time pass between two looks, also in a task that is cancelled: what was started must be ended.
  static func pause(_ duration: Duration = .milliseconds(4)) async {
    await Task.detached { try? await Task.sleep(for: duration) }.value
  }
}

/// `POSIX_SPAWN_SETSID` of glibc's spawn.h, which hides it from Swift.
private let newSession: Int32 = 0x80

/// `posix_spawn_file_actions_addclosefrom_np`, likewise; glibc has it since 2.34. Before that a child inherits what
/// other libraries have opened without `O_CLOEXEC`.
private let closeFrom: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32)? = {
  guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return nil }
  return unsafeBitCast(
    symbol, to: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32).self)
}()

/// A child of this process. It is asked for until it has ended; then its number may be anybody's.
struct ChildProcess: Sendable {
  let id: pid_t
  /// Its exit code, or 128 and the number of the signal that ended it; nil while it runs.
  private(set) var exitCode: Int32?

  init(_ id: pid_t) { self.id = id }

  /// Looks whether it has ended.
  var hasEnded: Bool {
    mutating get {
      if exitCode != nil { return true }
      var status: Int32 = 0
      switch waitpid(id, &status, WNOHANG) {
      case 0: return false
      case id:
        let signal = status & 0x7f
        exitCode = signal == 0 ? (status >> 8) & 0xff : 128 + signal
      default:
        // Somebody else has taken its status: a handler of SIGCHLD in the program around.
        guard errno != EINTR else { return false }
        exitCode = 1
      }
      return true
    }
  }
}
