import Glibc
import MainstayReactor
import Synchronization

/// One connection to a server. Many callers share it: what they write during a tick of the reactor leaves in few pieces,
/// and the replies go back to them in order.
///
/// Callers come from any thread and touch the queue, which is under a lock. The socket, the codec and the timer belong to
/// the reactor's thread.
final class RedisConnection: @unchecked Sendable {
  // because everything but `queue` is touched on the reactor's thread only.

  private static let readSize = 64 << 10
  private static let readsPerEvent = 8
  /// See `RESPReader.feed`.
  private static let feedSize = 16 << 10

  let reactor: Reactor
  /// How often it looks for callers that have been cancelled, while replies are due.
  private let sweepInterval: Duration
  private let meter: (any RedisMeter)?
  private let openedAt = MonotonicInstant.now
  private let queue: Mutex<CommandQueue>
  private let socket: Int32
  private let link: ByteLink
  private let reader: RESPReader
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: readSize, alignment: 16)
  @exclusivity(unchecked) private var source: ReactorSource?
  @exclusivity(unchecked) private var outgoing = OutputBuffer()
  @exclusivity(unchecked) private var completions = FIFO<CommandQueue.Completion>()
  @exclusivity(unchecked) private var replies = FIFO<RESPValue>()
  @exclusivity(unchecked) private var isClosed = false
  @exclusivity(unchecked) private var onPush: ((RESPValue) -> Void)?
  @exclusivity(unchecked) private var onEnd: (@Sendable (RedisError) -> Void)?
  @exclusivity(unchecked) private var timer: ReactorTimer?

  /// Takes a connected, non-blocking socket, and owns it from then on, unless it throws. On the reactor's thread.
  init(
    socket: Int32, link: ByteLink, reactor: Reactor, limits: CommandQueue.Limits, replyLimits: RESPLimits,
    sweepInterval: Duration, meter: (any RedisMeter)? = nil
  ) throws {
    guard let reader = RESPReader(limits: replyLimits) else {
      link.end()
      throw RedisError(.notConnected, "no memory for a connection")
    }
    self.reactor = reactor
    self.sweepInterval = sweepInterval
    self.meter = meter
    self.socket = socket
    self.link = link
    self.reader = reader
    queue = Mutex(CommandQueue(limits: limits))
    // Not weak: weak references slow down every retain of the connection. `source` keeps it alive until `shut` has stopped
    // the timer.
    timer = ReactorTimer { [unowned(unsafe) self] in sweep() }
    do {
      source = try reactor.watch(socket, .read, self)
    } catch {
      link.end()
      throw RedisError(.notConnected, error.message)
    }
  }

  deinit { input.deallocate() }

  /// Commands whose replies are due.
  var inFlight: Int { queue.withLock { $0.inFlight } }

  /// Bytes that have not been sent yet.
  var queuedBytes: Int { queue.withLock { $0.queuedBytes } }

  /// Why it takes no more commands; nil while it does.
  var end: RedisError? { queue.withLock { $0.end } }
}

// For callers on any thread.
extension RedisConnection {
  /// Sends a command and waits for its reply, which may be an error of the server.
  nonisolated(nonsending) func send(
    _ arguments: RedisArguments, deadline: MonotonicInstant?, as operation: RedisOperation? = nil
  ) async throws -> RESPValue {
    try await withUnsafeThrowingContinuation { send(arguments, deadline: deadline, as: operation, $0) }
  }

  /// Sends a command whose reply the continuation gets.
  @inline(__always)
  func send(
    _ arguments: RedisArguments, deadline: MonotonicInstant?, as operation: RedisOperation?,
    _ continuation: UnsafeContinuation<RESPValue, any Error>
  ) {
    let task = WaitingTask(of: continuation)
    if task.isCancelled { return continuation.resume(throwing: CancellationError()) }
    let waiter = ReplyWaiter(continuation, task, operation)
    settle(queue.withLock { $0.enqueue(waiter, deadline: deadline, arguments) }, waiter)
  }

  /// Sends commands one after another, with nothing of others between them, and waits for all replies.
  func send(
    _ batch: [RedisArguments], deadline: MonotonicInstant?, as operation: RedisOperation? = nil
  ) async throws -> [RESPValue] {
    guard !batch.isEmpty else { return [] }
    return try await withUnsafeThrowingContinuation { continuation in
      let task = WaitingTask(of: continuation)
      if task.isCancelled { return continuation.resume(throwing: CancellationError()) }
      let waiter = ReplyWaiter(ReplyBatch(count: batch.count, continuation), task, operation)
      settle(queue.withLock { $0.enqueue(waiter, deadline: deadline, batch) }, waiter)
    }
  }

  /// Sends a command whose replies come as pushes. Nothing happens on a connection that has ended.
  func sendUnanswered(_ arguments: RedisArguments) {
    if case .accepted(.atEndOfTick) = queue.withLock({ $0.enqueueUnanswered(arguments) }) { scheduleFlush() }
  }

  /// Takes no more commands, and closes when the last reply has come.
  func drain(_ error: RedisError) {
    queue.withLock { $0.drain(error) }
    reactor.submit { [self] in closeIfDrained() }
  }

  /// Closes at once; whoever waits gets the error.
  func close(_ error: RedisError) {
    queue.withLock { $0.drain(error) }
    reactor.submit { [self] in shut(error) }
  }

  /// Looks at once for callers that have been cancelled.
  func sweepSoon() { reactor.submit { [self] in sweep() } }

  @inline(__always)
  private func settle(_ acceptance: CommandQueue.Acceptance, _ waiter: ReplyWaiter) {
    switch acceptance {
    case .accepted(.isDue): break
    case .accepted(.atEndOfTick): scheduleFlush()
    case .accepted(.now): if reactor.isOnThread { sendGathered(isEndOfTick: false) }
    case .overloaded(let error), .ended(let error): waiter.fail(error)
    }
  }

  private func scheduleFlush() {
    if reactor.isOnThread {
      reactor.callAtEndOfTick(self)
    } else {
      reactor.submit { [self] in reactor.callAtEndOfTick(self) }
    }
  }
}

// On the reactor's thread.
extension RedisConnection {
  /// Tells when it ends, once. At once if it has ended already.
  func whenEnded(_ body: @escaping @Sendable (RedisError) -> Void) {
    if isClosed, let end { body(end) } else { onEnd = body }
  }

  /// From now on replies answer no command: the connection has become one of subscriptions.
  func receivePushes(_ body: @escaping (RESPValue) -> Void) { onPush = body }

  private func closeIfDrained() {
    guard let end = queue.withLock({ $0.isIdle ? $0.end : nil }), outgoing.isEmpty else { return }
    shut(end)
  }

  private func shut(_ error: RedisError) {
    guard !isClosed else { return }
    isClosed = true
    source?.cancel()
    source = nil
    if let timer { reactor.cancel(timer) }
    timer = nil
    onPush = nil
    link.end()
    Glibc.close(socket)
    let waiters = queue.withLock { $0.close(error) }
    let onEnd = onEnd.take()
    onEnd?(error)
    for (waiter, error) in waiters {
      if let meter { waiter.tell(meter, .lost, at: .now) }
      waiter.fail(error)
    }
  }

  private func lost(_ what: String) { shut(RedisError(.connectionLost, what)) }

  fileprivate func sweep() {
    guard !isClosed else { return }
    var departures: [CommandQueue.Departure] = []
    let now = reactor.now
    let outlook = queue.withLock {
      $0.sweep(at: now, interval: sweepInterval, into: &departures)
    }
    for departure in departures {
      if let meter { departure.waiter.tell(meter, departure.reason == .cancelled ? .cancelled : .timeout, at: now) }
      switch departure.reason {
      case .cancelled: departure.waiter.fail(CancellationError())
      case .timedOut:
        departure.waiter.fail(RedisError.deadlinePassed)
      }
    }
    switch outlook {
    case .idle: break
    case .lookAgain(let moment): if let timer { reactor.set(timer, for: moment) }
    case .stalled:
      lost("the server has sent nothing for too long while replies were due (stallTimeout); the connection is closed")
    }
  }
}

extension RedisConnection: ReactorTickHook {
  /// Sends what has been gathered.
  func tickEnded() { sendGathered(isEndOfTick: true) }

  private func sendGathered(isEndOfTick: Bool) {
    // What is encrypted waits with the link until the socket can be written, and then `outgoing` is empty: without looking at
    // the socket, the link would take everything, and no limit would hold.
    guard !isClosed, outgoing.isEmpty, source?.interest.contains(.write) != true else { return }
    let now = reactor.now
    queue.withLock { $0.takeOutput(into: &outgoing, at: now, isEndOfTick: isEndOfTick) }
    if let timer, !timer.isPending { reactor.set(timer, for: now.advanced(by: sweepInterval)) }
    flush()
  }

  private func flush() {
    let due = outgoing.count
    do {
      let outcome = try link.send(&outgoing, to: socket)
      if outcome.bytes > 0 { queue.withLock { $0.didSend(outcome.bytes) } }
      try source?.watch(outcome.isBlocked ? [.read, .write] : .read)
    } catch let error as RedisError {
      // What had left before the error may have been executed.
      let left = due - outgoing.count
      if left > 0 { queue.withLock { $0.didSend(left) } }
      shut(error)
    } catch {
      lost("the connection cannot be watched: \(error)")
    }
  }
}

extension RedisConnection: ReactorHandler {
  /// The socket can be read or written.
  func ready(_ events: ReactorEvents) {
    if events.contains(.stopped) { return shut(RedisError(.closed, "the reactor has been shut down")) }
    if events.contains(.readable) { read() }
    guard !isClosed, events.contains(.writable) else { return }
    flushPending()
  }

  /// Sends what had to wait for the socket, then what has been gathered since.
  private func flushPending() {
    flush()
    if outgoing.isEmpty, !link.hasPendingOutput { tickEnded() }
  }

  private func read() {
    for _ in 0..<Self.readsPerEvent {
      let count = recv(socket, input.baseAddress, input.count, 0)
      if count > 0 {
        receive(UnsafeRawBufferPointer(rebasing: input[..<count]))
        if isClosed || count < input.count { return }
      } else if count == 0 {
        return lost("the server closed the connection")
      } else if errno == EAGAIN {
        return
      } else if errno != EINTR {
        return lost("reading from the server failed: \(SystemErrorText.of(errno))")
      }
    }
  }

  private func receive(_ bytes: UnsafeRawBufferPointer) {
    do {
      var isFed = false
      try link.receive(bytes) { plain in
        isFed = true
        try feed(plain)
      }
      // A link with encryption may have something to say of its own accord.
      if link.hasPendingOutput { flushPending() }
      if !isFed { queue.withLock { $0.didReceive(at: reactor.now) } }
    } catch let error as RESPViolation {
      shut(
        RedisError(.protocolViolation, "the server's reply cannot be used: \(error.message); the connection is closed"))
    } catch let error as RedisError {
      shut(error)
    } catch {
      lost("\(error)")
    }
  }

  private func feed(_ plain: UnsafeRawBufferPointer) throws {
    var rest = plain
    while !rest.isEmpty, !isClosed {
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.feedSize))
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(Self.feedSize))
      try reader.feed(piece)
      defer { deliver() }
      while let reply = try reader.next() { replies.append(reply) }
    }
  }

  private func deliver() {
    guard !replies.isEmpty else { return queue.withLock { $0.didReceive(at: reactor.now) } }
    if let onPush {
      while let reply = replies.popFirst() { onPush(reply) }
      return
    }
    var needsReplacement = false
    let now = reactor.now
    let meter = meter
    let (isExpected, isEnding) = queue.withLock { queue in
      (queue.complete(&replies, at: now, into: &completions), queue.isEnded)
    }
    while let completion = completions.popFirst() {
      if completion.reply.asksForReplacement { needsReplacement = true }
      if let meter, completion.isLast {
        completion.waiter.tell(meter, completion.waiter.outcome(completion.reply), at: now)
      }
      completion.waiter.receive(completion.reply, isLast: completion.isLast)
    }
    if !isExpected {
      shut(RedisError(.protocolViolation, "the server sent a reply to no command; the connection is closed"))
    } else if needsReplacement {
      replace()
    } else if isEnding {
      closeIfDrained()
    }
  }

  /// The server is not the one to talk to any more: callers go to another connection, replies still due come on this one.
  private func replace() {
    // The server that a new connection has just led to is the same one; going round in circles helps nobody.
    guard openedAt.advanced(by: .seconds(1)) < reactor.now else { return }
    let error = RedisError(.connectionLost, "the server takes no writes any more; the connection is being replaced")
    queue.withLock { $0.drain(error) }
    let onEnd = onEnd.take()
    onEnd?(error)
    closeIfDrained()
  }
}

extension RESPValue {
  fileprivate var asksForReplacement: Bool {
    guard case .error(let text) = self else { return false }
    return RedisError(serverText: text).effect == .replaceConnection
  }
}
