import CEpoll
import Glibc
import Synchronization

/// The reactor's tick. Everything but the mailbox and the question who owns the loop is for its thread alone.
final class ReactorLoop: @unchecked Sendable {
  // because `queue`, `running`, `hooks`, `sources`, `timers`, `clock` and the flags are touched only while `isOnThread`.
  private static let roundsPerTick = 8
  private static let roundsAtEnd = 64

  let mailbox: ReactorMailbox
  let epoll: Epoll
  @exclusivity(unchecked) var sources = SourceTable()
  @exclusivity(unchecked) var timers = TimerHeap()
  @exclusivity(unchecked) var hooks: [any ReactorTickHook] = []
  @exclusivity(unchecked) var isStopping = false
  @exclusivity(unchecked) private var hasEnded = false
  @exclusivity(unchecked) private var queue: [ReactorWork] = []
  @exclusivity(unchecked) private var running: [ReactorWork] = []
  @exclusivity(unchecked) private var clock: MonotonicInstant?
  private let owner = Atomic<pthread_t>(0)
  private let late = Mutex(LateWork())

  init() throws(ReactorError) {
    mailbox = try ReactorMailbox()
    epoll = try Epoll()
    try epoll.watch(mailbox.bell, EPOLLIN.rawValue | EPOLLET.rawValue, key: 0)
  }

  var isOnThread: Bool { owner.load(ordering: .relaxed) == pthread_self() }

  var now: MonotonicInstant {
    if let clock { return clock }
    let now = MonotonicInstant.now
    clock = now
    return now
  }

  /// Takes work from any thread; from the loop's own, without a lock.
  func put(_ work: ReactorWork) {
    if isOnThread, !hasEnded {
      queue.append(work)
    } else if !mailbox.put(work) {
      runLate(work)
    }
  }

  func set(_ timer: ReactorTimer, _ deadline: MonotonicInstant) {
    if isStopping {
      put(.call { timer.fire() })
    } else {
      timers.set(timer, deadline)
    }
  }
}

extension ReactorLoop {
  /// The thread's whole life.
  func run(as executor: UnownedTaskExecutor) {
    owner.store(pthread_self(), ordering: .relaxed)
    while !isStopping { tick(executor) }
    finish(executor)
  }

  private func tick(_ executor: UnownedTaskExecutor) {
    mailbox.take(into: &queue)
    drain(rounds: Self.roundsPerTick, executor)
    callHooks()
    clock = nil
    epoll.wait(milliseconds: timeToSleep()) { key, mask in
      // Key 0 is the bell. It is edge-triggered and never read.
      sources[key]?.handler?.ready(ReactorEvents(mask: mask))
    }
    mailbox.awake()
    fireTimers()
  }

  private func drain(rounds: Int, _ executor: UnownedTaskExecutor) {
    var round = 0
    while !queue.isEmpty, round < rounds {
      round += 1
      swap(&queue, &running)
      for index in running.indices {
        switch running[index] {
        case .task(let job): job.runSynchronously(on: executor)
        case .actor(let job, let actor):
          job.runSynchronously(isolatedTo: actor.asUnownedSerialExecutor(), taskExecutor: executor)
        case .call(let work): work()
        }
      }
      running.removeAll(keepingCapacity: running.capacity <= 4096)
    }
  }

  private func callHooks() {
    guard !hooks.isEmpty else { return }
    let due = hooks
    hooks.removeAll(keepingCapacity: true)
    for hook in due { hook.tickEnded() }
  }

  /// Milliseconds, rounded up so that nobody wakes just before a deadline and spins; -1 for "until something happens".
  private func timeToSleep() -> Int32 {
    guard !isStopping, queue.isEmpty, hooks.isEmpty, mailbox.fallAsleep() else { return 0 }
    guard let earliest = timers.earliest else { return -1 }
    let now = MonotonicInstant.now
    guard earliest > now else { return 0 }
    let milliseconds = (earliest.nanoseconds - now.nanoseconds - 1) / 1_000_000 + 1
    return Int32(clamping: milliseconds)
  }

  private func fireTimers() {
    guard !timers.isEmpty else { return }
    let now = now
    while let timer = timers.popDue(now) { timer.fire() }
  }
}

// The end, and what comes after it.
extension ReactorLoop {
  private func finish(_ executor: UnownedTaskExecutor) {
    for source in sources.all { source.stop() }
    while let timer = timers.popDue(.distantFuture) { timer.fire() }
    for _ in 0..<Self.roundsAtEnd {
      mailbox.take(into: &queue)
      if queue.isEmpty, hooks.isEmpty { break }
      drain(rounds: 1, executor)
      callHooks()
    }
    hasEnded = true
    owner.store(0, ordering: .relaxed)
    let leftover = queue + mailbox.close()
    queue = []
    for work in leftover { runLate(work) }
  }

  /// Work that nobody's thread is left for. Steps of tasks may run anywhere, so the global executor takes them. Steps of
  /// actors and closures count on being alone, so they run there one after the other. Not on the caller's thread: it may
  /// hold a lock.
  private func runLate(_ work: ReactorWork) {
    if case .task(let job) = work {
      globalConcurrentExecutor.enqueue(ExecutorJob(job))
      return
    }
    let isFirst = late.withLock { $0.add(work) }
    if isFirst { Task.detached { self.drainLate() } }
  }

  private func drainLate() {
    while let work = late.withLock({ $0.next() }) {
      owner.store(pthread_self(), ordering: .relaxed)
      switch work {
      case .task: break
      case .actor(let job, let actor): job.runSynchronously(on: actor.asUnownedSerialExecutor())
      case .call(let call): call()
      }
      owner.store(0, ordering: .relaxed)
    }
  }
}

/// What came after the end of the loop, in order, and whether somebody is at it.
private struct LateWork: Sendable {
  private var queue: [ReactorWork] = []
  private var isDraining = false

  /// True if nobody is draining the queue: the caller has to.
  mutating func add(_ work: ReactorWork) -> Bool {
    queue.append(work)
    defer { isDraining = true }
    return !isDraining
  }

  mutating func next() -> ReactorWork? {
    if queue.isEmpty {
      isDraining = false
      return nil
    }
    return queue.removeFirst()
  }
}
