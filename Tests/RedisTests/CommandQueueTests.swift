import MainstayReactor
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayRedis

/// A queue without a connection: the test plays the reactor and the server.
private final class QueueModel: Sendable {
  struct State: ~Copyable {
    var queue: CommandQueue
    /// Ids of accepted commands whose replies are due, in the order in which they were written.
    var due: [Int] = []
    var unsent: [Int] = []
    var sent: Set<Int> = []
    var settled = 0
  }

  let state: Mutex<State>

  init(_ limits: CommandQueue.Limits) { state = Mutex(State(queue: CommandQueue(limits: limits))) }

  func send(_ id: Int, deadline: MonotonicInstant?) async throws -> RESPValue {
    try await withUnsafeThrowingContinuation { continuation in
      let waiter = ReplyWaiter(continuation, WaitingTask(of: continuation))
      let failure: RedisError? = state.withLock { state in
        state.settled += 1
        switch state.queue.enqueue(waiter, deadline: deadline, RedisCommand<Int>("ECHO", id).arguments) {
        case .accepted:
          state.due.append(id)
          state.unsent.append(id)
          return nil
        case .overloaded(let error), .ended(let error): return error
        }
      }
      if let failure { waiter.fail(failure) }
    }
  }

  func flush(at now: MonotonicInstant) {
    state.withLock { state in
      var buffer = OutputBuffer()
      state.queue.takeOutput(into: &buffer, at: now)
      state.queue.didSend(buffer.count)
      state.sent.formUnion(state.unsent)
      state.unsent = []
    }
  }

  func answer(_ count: Int, at now: MonotonicInstant) {
    var completions = FIFO<CommandQueue.Completion>()
    state.withLock { state in
      var replies = FIFO<RESPValue>()
      let ready = state.due.prefix { state.sent.contains($0) }.prefix(count)
      for id in ready { replies.append(.integer(Int64(id))) }
      state.due.removeFirst(ready.count)
      #expect(state.queue.complete(&replies, at: now, into: &completions))
    }
    while let completion = completions.popFirst() {
      completion.waiter.receive(completion.reply, isLast: completion.isLast)
    }
  }

  func sweep(at now: MonotonicInstant) -> CommandQueue.Outlook {
    var departures: [CommandQueue.Departure] = []
    let outlook = state.withLock { $0.queue.sweep(at: now, interval: .milliseconds(20), into: &departures) }
    for departure in departures {
      switch departure.reason {
      case .timedOut: departure.waiter.fail(RedisError.deadlinePassed)
      case .cancelled: departure.waiter.fail(CancellationError())
      }
    }
    return outlook
  }

  func close() {
    let waiters = state.withLock { $0.queue.close(RedisError(.connectionLost, "closed")) }
    for (waiter, error) in waiters { waiter.fail(error) }
  }

  /// Waits until so many callers have been taken or refused.
  func waitForCallers(_ count: Int) async {
    while state.withLock({ $0.settled }) < count { await Task.yield() }
  }
}

@Suite("What a connection owes")
struct CommandQueueTests {
  private let limits = CommandQueue.Limits(
    commands: 50, bytes: 2000, timeout: .milliseconds(500), stall: .seconds(1000))

  @Test(arguments: 0..<30) func everyCallerGetsItsOwnReplyOrAnErrorThatIsTrue(seed: UInt64) async {
    var random = SeededGenerator(seed: seed)
    let model = QueueModel(limits)
    var now = MonotonicInstant.now
    var tasks: [Task<RESPValue, any Error>] = []
    for _ in 0..<400 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<5:
        let id = tasks.count
        let deadline = Bool.random(using: &random) ? now.advanced(by: .milliseconds(100)) : nil
        tasks.append(Task { try await model.send(id, deadline: deadline) })
        await model.waitForCallers(tasks.count)
      case 5: model.flush(at: now)
      case 6, 7: model.answer(Int.random(in: 0..<8, using: &random), at: now)
      case 8:
        now = now.advanced(by: .milliseconds(Int.random(in: 0..<200, using: &random)))
        _ = model.sweep(at: now)
      default: tasks.randomElement(using: &random)?.cancel()
      }
    }
    let sent = model.state.withLock { $0.sent }
    model.close()
    #expect(model.state.withLock { $0.queue.inFlight } == 0)
    for (id, task) in tasks.enumerated() {
      switch await task.result {
      case .success(let reply): #expect(reply == .integer(Int64(id)))
      case .failure(let error as RedisError):
        switch error.code {
        case .connectionLost: #expect(error.isIndeterminate == sent.contains(id))
        case .overloaded: #expect(!error.isIndeterminate && !sent.contains(id))
        default: #expect(error.code == .timedOut && error.isIndeterminate)
        }
      case .failure(let error): #expect(error is CancellationError)
      }
    }
  }

  @Test func aReplyThatNobodyAskedForIsNoticed() {
    var queue = CommandQueue(limits: limits)
    var replies = FIFO<RESPValue>()
    var completions = FIFO<CommandQueue.Completion>()
    replies.append(.null)
    let isExpected = queue.complete(&replies, at: .now, into: &completions)
    #expect(!isExpected)
  }

  @Test func aPieceLeavesWhenItIsAsMuchWorkAsTheServerHas() async throws {
    _ = try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<RESPValue, any Error>) in
      let waiter = ReplyWaiter(continuation, WaitingTask(of: continuation))
      let ping = RedisCommand<String>("PING").arguments
      var queue = CommandQueue(
        limits: .init(commands: 1000, bytes: 100_000, timeout: .seconds(100), stall: .seconds(100)))
      var sent = OutputBuffer()
      /// Takes commands until a piece is to leave, and lets it; what was said about each command.
      func piece() -> [CommandQueue.Flush] {
        var said: [CommandQueue.Flush] = []
        while said.last != .now, said.count < 500 {
          guard case .accepted(let flush) = queue.enqueue(waiter, deadline: nil, ping) else { return said }
          said.append(flush)
        }
        queue.takeOutput(into: &sent, at: .now, isEndOfTick: false)
        sent.removeAll()
        return said
      }
      // 14 bytes a command: 19 of them are the first 256 bytes.
      #expect(piece() == [.atEndOfTick] + Array(repeating: .isDue, count: 17) + [.now])
      #expect(piece() == Array(repeating: .isDue, count: 18) + [.now])
      #expect(piece().count == 38)
      queue.takeOutput(into: &sent, at: .now)
      #expect(piece().first == .atEndOfTick)
      continuation.resume(returning: .null)
    }
  }

  @Test func silenceWhileRepliesAreDueIsAStall() async {
    let model = QueueModel(.init(commands: 10, bytes: 1000, timeout: .seconds(100), stall: .seconds(1)))
    let begun = MonotonicInstant.now
    #expect(model.sweep(at: begun.advanced(by: .seconds(50))) == .idle)
    let task = Task { try await model.send(0, deadline: nil) }
    await model.waitForCallers(1)
    model.flush(at: begun.advanced(by: .seconds(60)))
    #expect(model.sweep(at: begun.advanced(by: .milliseconds(60_900))) != .stalled)
    #expect(model.sweep(at: begun.advanced(by: .milliseconds(61_100))) == .stalled)
    model.close()
    _ = await task.result
  }

  @Test func aRingKeepsItsOrderWhileItGrows() {
    var ring = FIFO<Int>()
    var expected: [Int] = []
    var random = SeededGenerator(seed: 1)
    for number in 0..<10_000 {
      ring.append(number)
      expected.append(number)
      for _ in 0..<Int.random(in: 0..<2, using: &random) where !expected.isEmpty {
        let first = ring.popFirst()
        #expect(first == expected.removeFirst())
      }
    }
    let count = ring.count
    #expect(count == expected.count)
  }
}
