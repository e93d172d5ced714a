import Glibc
import Synchronization

/// Ends the process when a shutdown takes too long, from a thread of its own.
///
/// The concurrency runtime has as many threads as the machine has cores; a plugin that blocks them all also blocks
/// every timer. This thread does not depend on them. It also takes the signals: the handler writes the signal's number
/// into a pipe, which is all that a handler may safely do, and the thread reads it.
public final class Watchdog: Sendable {
  private struct State {
    var deadline: ContinuousClock.Instant?
    var describe: (@Sendable () -> String)?
    var budget = Duration.zero
    var onSignal: [Int32: @Sendable () -> Void] = [:]
    var terminations = 0
  }

  private let state = Mutex(State())
  private let pipe: (read: Int32, write: Int32)

  /// A watchdog whose thread waits for signals and for its deadline. One for a process.
  public init() throws(KernelError) {
    var ends: [Int32] = [-1, -1]
    guard Glibc.pipe(&ends) == 0 else {
      throw KernelError(.startFailed, "cannot create a pipe for signals: \(String(cString: strerror(errno)))")
    }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    pipe = (ends[0], ends[1])
    var thread = pthread_t()
    let box = Unmanaged.passRetained(self)
    let failed = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Watchdog>.fromOpaque(argument).takeRetainedValue().watch() }
        return nil
      }, box.toOpaque())
    guard failed == 0 else {
      box.release()
      throw KernelError(.startFailed, "cannot create the watchdog thread: \(String(cString: strerror(failed)))")
    }
    pthread_detach(thread)
  }

  /// Calls `action` on the watchdog's thread whenever the process gets a signal. The action must be short.
  /// The second SIGTERM or SIGINT ends the process at once.
  public func handle(_ signal: Int32, _ action: @escaping @Sendable () -> Void) {
    state.withLock { $0.onSignal[signal] = action }
    signalPipe.store(pipe.write, ordering: .releasing)
    var handler = sigaction()
    handler.__sigaction_handler.sa_handler = { number in
      let saved = errno
      var byte = UInt8(truncatingIfNeeded: number)
      _ = write(signalPipe.load(ordering: .acquiring), &byte, 1)
      errno = saved
    }
    handler.sa_flags = Int32(SA_RESTART)
    sigemptyset(&handler.sa_mask)
    sigaction(signal, &handler, nil)
  }

  /// Ends the process unless `disarm` is called in time. A deadline that runs already stands. `describe` says what is in the way.
  func arm(after budget: Duration, describe: @escaping @Sendable () -> String) {
    state.withLock { state in
      guard state.deadline == nil else { return }
      state.deadline = ContinuousClock.now.advanced(by: budget)
      state.budget = budget
      state.describe = describe
    }
    wake()
  }

  /// The shutdown is over.
  func disarm() {
    state.withLock { state in
      state.deadline = nil
      state.describe = nil
    }
    wake()
  }

  private func wake() {
    var zero: UInt8 = 0
    _ = write(pipe.write, &zero, 1)
  }

  private func watch() {
    var buffer = [UInt8](repeating: 0, count: 64)
    while true {
      var descriptor = pollfd(fd: pipe.read, events: Int16(POLLIN), revents: 0)
      poll(&descriptor, 1, timeout)
      let count = read(pipe.read, &buffer, buffer.count)
      for byte in buffer.prefix(max(0, count)) where byte != 0 { take(Int32(byte)) }
      exitIfOverdue()
    }
  }

  /// Milliseconds until the deadline, rounded up; -1 if there is none.
  private var timeout: Int32 {
    guard let deadline = state.withLock({ $0.deadline }) else { return -1 }
    let left = (deadline - ContinuousClock.now).components
    let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1
    return Int32(clamping: max(0, milliseconds))
  }

  private func take(_ signal: Int32) {
    let (action, isSecond) = state.withLock { state in
      let ends = signal == SIGTERM || signal == SIGINT
      if ends { state.terminations += 1 }
      return (state.onSignal[signal], ends && state.terminations > 1)
    }
    if isSecond { exit("a second signal asked for it", describe: state.withLock { $0.describe }) }
    action?()
  }

  private func exitIfOverdue() {
    let overdue = state.withLock { state -> (Duration, (@Sendable () -> String)?)? in
      guard let deadline = state.deadline, deadline <= ContinuousClock.now else { return nil }
      return (state.budget, state.describe)
    }
    guard let (budget, describe) = overdue else { return }
    exit("the shutdown took longer than host.shutdown.force_after, \(budget.formattedShort)", describe: describe)
  }

  private func exit(_ why: String, describe: (@Sendable () -> String)?) -> Never {
    let stuck = describe?() ?? ""
    let message = "mainstay: forced exit: \(why)" + (stuck.isEmpty ? "" : "; still alive: \(stuck)") + "\n"
    _ = message.withCString { write(2, $0, strlen($0)) }
    _exit(1)
  }
}

/// Where the signal handler writes; a handler cannot capture anything.
private let signalPipe = Atomic<Int32>(-1)
