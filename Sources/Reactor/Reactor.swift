import Glibc
import Synchronization

/// One thread that waits for sockets, keeps deadlines, and runs Swift tasks: what a connection is read and written on,
/// and what the tasks that use the connection run on, so that a statement crosses no thread.
///
/// ```
///               other threads                          the reactor's thread, one tick
///   ┌────────────────────────────────┐    ┌────────────────────────────────────────────────────────┐
///   │ enqueue(job)   submit { … }    │    │ 1. take what the mailbox holds                         │
///   │        │            │          │    │ 2. run jobs and closures; what they enqueue on this    │
///   │        ▼            ▼          │    │    thread goes round again, up to 8 rounds, no lock    │
///   │   mailbox (queue under a lock) ├───▶│ 3. end of tick: hooks flush what was written meanwhile │
///   │        │                       │    │ 4. nothing to do? say so, look at the mailbox again,   │
///   │        └─ eventfd, only if the │    │    and sleep in epoll_wait until the earliest deadline │
///   │           thread is asleep  ───┼───▶│ 5. hand events to their sources; fire timers that are  │
///   └────────────────────────────────┘    │    due. Both resume tasks, whose jobs wait for 2.      │
///                                         └────────────────────────────────────────────────────────┘
/// ```
///
/// A task gets onto the thread with `withTaskExecutorPreference(reactor) { … }` or
/// `Task(executorPreference: reactor) { … }`. Do that once around a whole piece of work, such as a request: getting on
/// and off costs two hops between threads, while everything in between costs none. An actor gets onto it by returning
/// `reactor.serialExecutor.asUnownedSerialExecutor()` from `unownedExecutor`.
///
/// Nothing on this thread may block: not a lookup of a name, not a lock held for long, not a file that is synced. Whoever
/// blocks it blocks every connection on it.
///
/// A reactor lives until `shutdown()`; letting go of it is not enough, since its thread holds it.
public final class Reactor: TaskExecutor {
  /// For actors that live on the reactor. Another object than the reactor itself, on purpose: were one object both kinds
  /// of executor, the runtime would take every step of a task for a step of an actor, and send it round once more.
  public let serialExecutor: ReactorSerialExecutor

  let loop: ReactorLoop
  /// Nil once it has been ended, or if it was never started.
  private let thread = Mutex<SystemThread?>(nil)

  /// Starts a reactor.
  ///
  /// - Parameter name: the thread's name in debuggers and in `/proc`, of which the system keeps 15 bytes.
  /// - Throws: `ReactorError` if the system has no descriptor or no thread left.
  public init(name: String = "reactor") throws(ReactorError) {
    loop = try ReactorLoop()
    serialExecutor = ReactorSerialExecutor(loop)
    let started = try SystemThread.start(name: name) { [self] in loop.run(as: asUnownedTaskExecutor()) }
    thread.withLock { $0 = started }
  }

  /// Whether the caller runs on the reactor's thread. Costs about a nanosecond.
  public var isOnThread: Bool { loop.isOnThread }

  /// Takes a task's next step. Called by the Swift runtime.
  public func enqueue(_ job: consuming ExecutorJob) {
    loop.put(.task(UnownedJob(job)))
  }

  /// Runs a closure on the reactor's thread, soon, after what is already queued. It must not block.
  ///
  /// After `shutdown()` it still runs, once, never at the same time as another one; but sources and timers are refused.
  public func submit(_ work: @escaping @Sendable () -> Void) {
    loop.put(.call(work))
  }

  /// Runs a closure on the reactor's thread and waits for what it returns.
  public func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    if isOnThread { return try work() }
    return try await withUnsafeThrowingContinuation { continuation in
      submit { continuation.resume(with: Result { try work() }) }
    }
  }

  /// Ends the thread and waits until it has ended.
  ///
  /// Every handler hears `stopped`, every pending timer is due at once, and the tasks which that wakes get some rounds
  /// to finish. Nothing is lost afterwards: tasks that still prefer the reactor go on on the global executor, and steps
  /// of its actors and submitted closures run there too, one at a time.
  ///
  /// A second call returns at once. Called on the reactor's own thread, it returns before the thread has ended.
  public func shutdown() {
    loop.put(.call { [loop] in loop.isStopping = true })
    guard let thread = thread.withLock({ $0.take() }) else { return }
    if isOnThread { thread.detach() } else { thread.join() }
  }
}

// For the reactor's thread only.
extension Reactor {
  /// The moment at which this tick began to look at its clock; all deadlines set in one tick can start from it.
  public var now: MonotonicInstant {
    assert(isOnThread)
    return loop.now
  }

  /// Whether the reactor is about to end: sources are refused, and timers are due when they are set.
  public var isStopping: Bool {
    assert(isOnThread)
    return loop.isStopping
  }

  /// Watches a descriptor and tells the handler of its events, until `ReactorSource.cancel()`.
  ///
  /// - Throws: `ReactorError` if the kernel refuses the descriptor, or after `shutdown()`.
  public func watch(
    _ fd: Int32, _ interest: ReactorInterest, _ handler: any ReactorHandler
  ) throws(ReactorError) -> ReactorSource {
    assert(isOnThread)
    guard !loop.isStopping else { throw .stopped }
    let source = loop.sources.add { ReactorSource(loop, fd: fd, key: $0, handler) }
    do {
      try source.watch(fd, interest)
    } catch {
      source.cancel()
      throw error
    }
    return source
  }

  /// Sets a timer, or moves it if it is pending.
  public func set(_ timer: ReactorTimer, for deadline: MonotonicInstant) {
    assert(isOnThread)
    loop.set(timer, deadline)
  }

  /// Stops a timer from firing.
  public func cancel(_ timer: ReactorTimer) {
    assert(isOnThread)
    loop.timers.remove(timer)
  }

  /// Calls the hook once, at the end of this tick, after everything that is ready to run has run. This is where writes
  /// that were gathered during the tick are sent together.
  public func callAtEndOfTick(_ hook: any ReactorTickHook) {
    assert(isOnThread)
    loop.hooks.append(hook)
  }
}

/// Who is called at the end of a tick.
public protocol ReactorTickHook: AnyObject, Sendable {
  /// The tick ends. Called on the reactor's thread, outside any task; it must not block.
  func tickEnded()
}
