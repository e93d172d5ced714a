import Glibc
import Synchronization

/// How long a task waits before it runs on the concurrent pool, measured from a thread that does not belong to it: also
/// when every thread of the pool is blocked, which no task could tell.
///
/// At intervals it starts a task of default priority and looks when it ran. A task of higher priority has threads of its own on
/// Linux and would see nothing.
final class ThreadPoolLag: Sendable {
  private struct State {
    var isStopped = false
    var isClosed = false
    var thread: pthread_t?
    var worst = 0
    /// The worst of the period before, so that a reading shortly after a period began says something.
    var worstBefore = 0
    var samples = 0
  }

  private static let samplesInPeriod = 20

  private let interval: Duration
  private let onSample: @Sendable (Duration) -> Void
  private let sent = Atomic<Int>(0)
  private let ran = Atomic<Int>(0)
  private let state = Mutex(State())
  private let stopping: (read: Int32, write: Int32)

  /// - Parameters:
  ///   - interval: The time between two samples.
  ///   - onSample: Told of each sample, on the measuring thread. It must be short.
  init(interval: Duration = .milliseconds(250), onSample: @escaping @Sendable (Duration) -> Void = { _ in }) {
    self.interval = interval
    self.onSample = onSample
    var ends: [Int32] = [-1, -1]
    pipe(&ends)
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    stopping = (ends[0], ends[1])
  }

  deinit {
    guard state.withLock({ !$0.isClosed }) else { return }
    close(stopping.read)
    close(stopping.write)
  }

  /// The age of the sample that has not run yet; zero if there is none. Can be asked from any thread.
  var current: Duration {
    let (sent, ran) = (sent.load(ordering: .acquiring), ran.load(ordering: .acquiring))
    return sent > ran ? .nanoseconds(Self.now - sent) : .zero
  }

  /// The worst of the last five to ten seconds, that of the moment included.
  var worst: Duration {
    let known = state.withLock { max($0.worst, $0.worstBefore) }
    return max(.nanoseconds(known), current)
  }

  /// Begins to measure. To be called once, and ended by ``stop()``.
  func start() {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let failure = pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer else { return nil }
        Unmanaged<ThreadPoolLag>.fromOpaque(pointer).takeRetainedValue().measure()
        return nil
      }, context.toOpaque())
    if failure == 0 { state.withLock { $0.thread = thread } } else { context.release() }
  }

  /// Ends the thread, and waits for that: it takes no longer than one sample.
  func stop() {
    let thread = state.withLock { state -> pthread_t?? in
      guard !state.isStopped else { return nil }
      state.isStopped = true
      return state.thread
    }
    guard let thread else { return }
    var byte: UInt8 = 0
    _ = write(stopping.write, &byte, 1)
    if let thread { pthread_join(thread, nil) }
    // Nobody looks at them any more; whoever still holds this object must not keep them open.
    close(stopping.read)
    close(stopping.write)
    state.withLock { $0.isClosed = true }
  }

  private func measure() {
    let milliseconds = Int32(clamping: Int(interval / .milliseconds(1)))
    while !state.withLock({ $0.isStopped }) {
      sample()
      var descriptor = pollfd(fd: stopping.read, events: Int16(POLLIN), revents: 0)
      poll(&descriptor, 1, max(1, milliseconds))
    }
  }

  private func sample() {
    if sent.load(ordering: .acquiring) == ran.load(ordering: .acquiring) {
      let began = Self.now
      sent.store(began, ordering: .releasing)
      Task.detached { [weak self] in self?.finish(began) }
    }
    let current = current
    note(Int(current / .nanoseconds(1)))
    onSample(current)
  }

  private func finish(_ began: Int) {
    note(Self.now - began)
    ran.store(began, ordering: .releasing)
  }

  private func note(_ lag: Int) {
    state.withLock { state in
      state.worst = max(state.worst, lag)
      state.samples += 1
      guard state.samples >= 2 * Self.samplesInPeriod else { return }
      (state.worstBefore, state.worst, state.samples) = (state.worst, 0, 0)
    }
  }

  private static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
  }
}
