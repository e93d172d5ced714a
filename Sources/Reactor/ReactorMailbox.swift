import CEpoll
import Glibc
import Synchronization

/// What the reactor's thread is asked to run.
enum ReactorWork: @unchecked Sendable {
  // because a job is handed over once and run once.
  /// A step of a task that prefers the reactor.
  case task(UnownedJob)
  /// A step of an actor that lives on the reactor, with its executor.
  case actor(UnownedJob, ReactorSerialExecutor)
  /// A closure.
  case call(@Sendable () -> Void)
}

/// The door for other threads: a queue under a lock, and the bell that wakes the reactor's thread.
///
/// The bell is an eventfd watched edge-triggered and never read, so a wake-up costs one write. It is rung only when the
/// thread has said that it is about to sleep: the thread first says so and then looks at the queue once more, while the
/// others first fill the queue and then look whether it sleeps. Whatever the order, one of the two sees the other.
///
/// The queue has no limit of its own. A task has at most one job anywhere, so the number of tasks bounds it.
final class ReactorMailbox: Sendable {
  private struct Contents: Sendable {
    var work: [ReactorWork] = []
    var isClosed = false
  }

  private let contents = Mutex(Contents())
  private let isAsleep = Atomic(false)
  let bell: Int32

  init() throws(ReactorError) {
    bell = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
    guard bell >= 0 else { throw .unavailable("eventfd", errno) }
  }

  deinit { Glibc.close(bell) }

  /// Puts work into the queue and wakes the thread if it sleeps. False if the queue is closed.
  func put(_ work: ReactorWork) -> Bool {
    let accepted = contents.withLock { contents in
      if contents.isClosed { return false }
      contents.work.append(work)
      return true
    }
    if accepted { wake() }
    return accepted
  }

  /// Wakes the thread if it sleeps.
  func wake() {
    guard isAsleep.exchange(false, ordering: .sequentiallyConsistent) else { return }
    var one: UInt64 = 1
    _ = write(bell, &one, 8)
  }

  /// Moves everything that waits to the end of `queue`.
  func take(into queue: inout [ReactorWork]) {
    contents.withLock { contents in
      guard !contents.work.isEmpty else { return }
      queue.append(contentsOf: contents.work)
      contents.work.removeAll(keepingCapacity: contents.work.capacity <= 4096)
    }
  }

  /// Says that the thread is about to sleep. False if there is work after all.
  func fallAsleep() -> Bool {
    isAsleep.store(true, ordering: .sequentiallyConsistent)
    if contents.withLock({ $0.work.isEmpty }) { return true }
    awake()
    return false
  }

  func awake() { isAsleep.store(false, ordering: .relaxed) }

  /// Refuses work from now on and hands out what was left.
  func close() -> [ReactorWork] {
    contents.withLock { contents in
      contents.isClosed = true
      defer { contents.work = [] }
      return contents.work
    }
  }
}
