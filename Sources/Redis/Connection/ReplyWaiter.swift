import MainstayReactor

/// Who waits for a reply, or for several. A struct without cases, since one of these is moved about for each command.
struct ReplyWaiter: Sendable {
  private let continuation: UnsafeContinuation<RESPValue, any Error>?
  private let batch: ReplyBatch?
  private let task: WaitingTask
  /// What is asked, for meters; nil for what the client asks by itself.
  private let operation: RedisOperation?
  /// When it was sent; zero before that.
  var sentAt = MonotonicInstant(nanoseconds: 0)

  /// A caller with one command.
  init(
    _ continuation: UnsafeContinuation<RESPValue, any Error>, _ task: WaitingTask, _ operation: RedisOperation? = nil
  ) {
    self.continuation = continuation
    self.task = task
    self.operation = operation
    batch = nil
  }

  /// A caller with several commands.
  init(_ batch: ReplyBatch, _ task: WaitingTask, _ operation: RedisOperation? = nil) {
    continuation = nil
    self.task = task
    self.batch = batch
    self.operation = operation
  }

  /// Tells a meter what has become of it.
  @inline(__always)
  func tell(_ meter: any RedisMeter, _ outcome: RedisOutcome, at now: MonotonicInstant) {
    guard let operation else { return }
    let isSent = sentAt.nanoseconds > 0 && now > sentAt
    meter.record(operation, outcome, nanoseconds: isSent ? now.nanoseconds - sentAt.nanoseconds : 0)
  }

  /// What a reply says of it.
  @inline(__always)
  func outcome(_ reply: RESPValue) -> RedisOutcome {
    switch reply {
    case .error: .error
    case .null where operation == .read: .missing
    default: .ok
    }
  }

  var hasLeft: Bool { task.isCancelled }

  @inline(__always)
  func receive(_ reply: consuming RESPValue, isLast: Bool) {
    if let continuation {
      continuation.resume(returning: reply)
    } else {
      batch?.receive(reply, isLast: isLast)
    }
  }

  func fail(_ error: any Error) {
    continuation?.resume(throwing: error)
    batch?.continuation.resume(throwing: error)
  }
}

/// The task that waits, to ask it whether it has been cancelled. A handler of the cancellation costs 130 ns a command, a
/// fifth of all that a command costs; asking now and then, while a reply is overdue, costs nothing when it is not.
struct WaitingTask: @unchecked Sendable {
  // because only `isCancelled` is used, which the documentation of UnsafeCurrentTask allows from anywhere, and only while
  // the task is suspended: it waits for the very reply that is due, so it is there. It is not retained for that reason.
  private let task: Unmanaged<AnyObject>

  /// The current task, which is about to be suspended. Its continuation is nothing but a pointer to it, in the runtime's
  /// binary interface (`swift_continuation_init`). `withUnsafeCurrentTask` looks it up and retains it: 30 ns.
  @inline(__always)
  init<Value>(of continuation: UnsafeContinuation<Value, any Error>) {
    task = unsafeBitCast(continuation, to: Unmanaged<AnyObject>.self)
    assert(withUnsafeCurrentTask { unsafeBitCast($0, to: UnsafeRawPointer?.self) } == UnsafeRawPointer(task.toOpaque()))
  }

  @inline(__always)
  var isCancelled: Bool {
    var task = task
    return withUnsafeMutableBytes(of: &task) { Self.ask(&$0.assumingMemoryBound(to: UnsafeCurrentTask.self)[0]) }
  }

  /// Takes the task in place, since each copy of it would retain it.
  @inline(__always)
  private static func ask(_ task: inout UnsafeCurrentTask) -> Bool { task.isCancelled }
}

/// The replies of one caller's commands, which come in order.
final class ReplyBatch: @unchecked Sendable {
  // because it is written on the reactor's thread alone, and read by the caller after it has been resumed.
  let continuation: UnsafeContinuation<[RESPValue], any Error>
  private var replies: [RESPValue] = []

  init(count: Int, _ continuation: UnsafeContinuation<[RESPValue], any Error>) {
    self.continuation = continuation
    replies.reserveCapacity(count)
  }

  func receive(_ reply: RESPValue, isLast: Bool) {
    replies.append(reply)
    if isLast { continuation.resume(returning: replies) }
  }
}
