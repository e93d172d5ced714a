import Glibc
import Synchronization

/// A few threads for calls that block and cannot be interrupted: the lookup of a name, libpq's `PQcancel`. Threads are
/// started when they are needed and end after they had nothing to do.
///
/// When all of them are blocked and the queue is full, more work is refused, and the caller has to do without.
final class BlockingThreads: Sendable {
  private struct State: Sendable {
    var queue: [@Sendable () -> Void] = []
    var threads = 0
  }

  private let threads: Int
  private let queueLimit: Int
  private let state = Mutex(State())

  init(threads: Int, queueLimit: Int) {
    self.threads = threads
    self.queueLimit = queueLimit
  }

  /// Lookups of names, for all connections of the process.
  static let lookups = BlockingThreads(threads: 4, queueLimit: 256)
  /// Requests to cancel statements, for all connections of the process.
  static let cancellations = BlockingThreads(threads: 4, queueLimit: 256)

  /// Runs a call on one of the threads, in order. False if it is refused.
  func run(_ call: @escaping @Sendable () -> Void) -> Bool {
    let startsThread: Bool? = state.withLock { state in
      guard state.queue.count < queueLimit else { return nil }
      state.queue.append(call)
      guard state.threads < threads else { return false }
      state.threads += 1
      return true
    }
    guard let startsThread else { return false }
    if startsThread, !start() {
      // The thread could not be had. If another one runs, it will come to this call.
      return state.withLock { state in
        state.threads -= 1
        if state.threads == 0 { state.queue.removeLast() }
        return state.threads > 0
      }
    }
    return true
  }

  private func start() -> Bool {
    let retained = Unmanaged.passRetained(self)
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { pointer in
        if let pointer { Unmanaged<BlockingThreads>.fromOpaque(pointer).takeRetainedValue().work() }
        return nil
      }, retained.toOpaque())
    guard failure == 0 else {
      retained.release()
      return false
    }
    pthread_detach(thread)
    return true
  }

  private func work() {
    while let call = next() { call() }
  }

  private func next() -> (@Sendable () -> Void)? {
    state.withLock { state in
      if state.queue.isEmpty {
        state.threads -= 1
        return nil
      }
      return state.queue.removeFirst()
    }
  }
}
