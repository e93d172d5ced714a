import Synchronization

/// A few threads for calls that block and cannot be interrupted, which have no place on a reactor: the lookup of a name, a
/// library's blocking function. A thread is started when it is needed and ends when there is nothing to do.
///
/// When all of them are blocked and the queue is full, more work is refused, and the caller has to do without.
public final class BlockingThreads: Sendable {
  private struct State: Sendable {
    var queue: [@Sendable () -> Void] = []
    var threads = 0
  }

  private let name: String
  private let threads: Int
  private let queueLimit: Int
  private let state = Mutex(State())

  /// - Parameters:
  ///   - name: The threads' name in debuggers and in `/proc`, of which the system keeps 15 bytes.
  ///   - threads: The most threads at a time.
  ///   - queueLimit: The most calls that wait for one.
  public init(name: String, threads: Int, queueLimit: Int) {
    self.name = name
    self.threads = max(1, threads)
    self.queueLimit = max(1, queueLimit)
  }

  /// Runs a call on one of the threads; calls begin in order. False if it is refused: then it never runs.
  public func run(_ call: @escaping @Sendable () -> Void) -> Bool {
    state.withLock { state in
      guard state.queue.count < queueLimit else { return false }
      if state.threads < threads, start() { state.threads += 1 }
      // Without a thread of its own it waits for one of those that run.
      guard state.threads > 0 else { return false }
      state.queue.append(call)
      return true
    }
  }

  private func start() -> Bool {
    do {
      try SystemThread.start(name: name) { [self] in while let call = next() { call() } }.detach()
      return true
    } catch {
      return false
    }
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
