import MainstayReactor

/// What a connection owes: bytes to be sent, and the commands whose replies are due, in the order in which they were
/// written, since Redis answers in order and says nothing else about which reply belongs to which command.
///
/// ```
///            enqueue                 takeOutput                  complete
///   caller ───────────▶ output + entry ─────────▶ on the wire ─────────────▶ reply to its waiter
///                          │                          │
///                          └── sweep: deadline passed or caller gone: the waiter leaves, its entry stays and
///                              swallows the late reply, so that no reply ever reaches another caller
///                          └── close: every waiter leaves with an error
/// ```
///
/// A pure value: the connection holds it under its lock and does what comes out of it.
struct CommandQueue: ~Copyable, Sendable {
  struct Limits: Sendable {
    var commands: Int
    var bytes: Int
    /// How long a command waits for its reply if its caller names no deadline.
    var timeout: Duration
    /// How long nothing at all may come from the server while replies are due; nil for any time, for commands that block.
    var stall: Duration?
  }

  // Not private: Swift 6.3 fails to compile a module that looks at a generic ring of a private type of another one.
  struct Entry: Sendable {
    /// Nil when the caller has left.
    var waiter: ReplyWaiter?
    var deadline: MonotonicInstant?
    var repliesDue: Int
    /// How many bytes of the stream the server must have for its first command to be executed.
    let executableFrom: UInt64
  }

  /// When what has been written is to be sent.
  enum Flush: Sendable {
    /// With what others write during this tick: it is the first since the last flush.
    case atEndOfTick
    /// Somebody has been told already.
    case isDue
    /// At once: it keeps the server busy while more is being written.
    case now
  }

  /// The errors are boxed, so that every command that is taken moves a word only.
  enum Acceptance: Sendable {
    /// Taken.
    case accepted(Flush)
    /// Too much is in flight.
    indirect case overloaded(RedisError)
    /// The connection takes no more commands.
    indirect case ended(RedisError)
  }

  /// A reply for a waiter; a batch gets several, of which one is the last.
  struct Completion: Sendable {
    let waiter: ReplyWaiter
    let reply: RESPValue
    let isLast: Bool
  }

  struct Departure: Sendable {
    enum Reason: Sendable { case timedOut, cancelled }
    let waiter: ReplyWaiter
    let reason: Reason
  }

  /// When to look again, or that the server has been silent for too long.
  enum Outlook: Equatable, Sendable {
    case idle
    case lookAgain(MonotonicInstant)
    case stalled
  }

  /// Less than this many bytes is not sent before the tick ends: a system call would cost more than the time it saves.
  private static let leastPiece = 256

  let limits: Limits
  private var output = OutputBuffer()
  private var entries = FIFO<Entry>()
  private var commands = 0
  private var written: UInt64 = 0
  private var sent: UInt64 = 0
  private var needsFlush = false
  /// Entries at the back that wait for their deadline, which counts from the moment they are sent.
  private var unstamped = 0
  private var lastProgress: MonotonicInstant?
  private(set) var end: RedisError? { didSet { isEnded = end != nil } }
  /// Whether there is such an error. Apart, since looking at one copies it.
  private(set) var isEnded = false

  init(limits: Limits) { self.limits = limits }

  /// Replies that are due.
  var inFlight: Int { commands }
  /// Bytes that have not been sent.
  var queuedBytes: Int { Int(written - sent) }
  /// Whether nothing is due and nothing is to be sent.
  var isIdle: Bool { entries.isEmpty && output.isEmpty && written == sent }

  /// Takes a waiter and its commands.
  mutating func enqueue(
    _ waiter: ReplyWaiter, deadline: MonotonicInstant?, _ batch: [RedisArguments]
  ) -> Acceptance {
    if isEnded { return ended() }
    let size = batch.reduce(0) { $0 + $1.bytes.count }
    if isFull(commands: batch.count, bytes: size) { return overloaded(commands: batch.count) }
    var first: UInt64?
    for arguments in batch {
      write(arguments)
      first = first ?? written
    }
    return push(waiter, deadline, count: batch.count, executableFrom: first ?? written)
  }

  /// Takes a waiter and its one command.
  @inline(__always)
  mutating func enqueue(
    _ waiter: ReplyWaiter, deadline: MonotonicInstant?, _ arguments: RedisArguments
  ) -> Acceptance {
    if isEnded { return ended() }
    if isFull(commands: 1, bytes: arguments.bytes.count) { return overloaded(commands: 1) }
    write(arguments)
    return push(waiter, deadline, count: 1, executableFrom: written)
  }

  /// Takes a command whose replies come as pushes, as those of `SUBSCRIBE` do.
  mutating func enqueueUnanswered(_ arguments: RedisArguments) -> Acceptance {
    if isEnded { return ended() }
    if isFull(commands: 0, bytes: arguments.bytes.count) { return overloaded(commands: 0) }
    write(arguments)
    return accepted()
  }

  /// Exchanges the bytes to be sent for an empty buffer. Whatever is in it counts as sent at this moment. Before the end of
  /// the tick somebody will still come for the rest.
  mutating func takeOutput(into empty: inout OutputBuffer, at now: MonotonicInstant, isEndOfTick: Bool = true) {
    if isEndOfTick { needsFlush = false }
    swap(&output, &empty)
    stamp(now)
  }

  /// Bytes have been sent, so they may have had an effect.
  mutating func didSend(_ count: Int) { sent += UInt64(count) }

  /// Hands replies to their waiters. False if there is a reply that nobody asked for.
  mutating func complete(
    _ replies: inout FIFO<RESPValue>, at now: MonotonicInstant, into completions: inout FIFO<Completion>
  ) -> Bool {
    lastProgress = now
    while let reply = replies.popFirst() {
      guard !entries.isEmpty else { return false }
      commands -= 1
      let first = entries[0]
      first.pointee.repliesDue -= 1
      let isLast = first.pointee.repliesDue == 0
      if let waiter = first.pointee.waiter {
        completions.append(Completion(waiter: waiter, reply: reply, isLast: isLast))
      }
      if isLast {
        entries.popFirst()
        unstamped = min(unstamped, entries.count)
      }
    }
    return true
  }

  /// Bytes have come that do not finish a reply yet.
  mutating func didReceive(at now: MonotonicInstant) { lastProgress = now }

  /// Lets those go whose deadline has passed or who have left, and says when to look again.
  mutating func sweep(
    at now: MonotonicInstant, interval: Duration, into departures: inout [Departure]
  ) -> Outlook {
    guard !entries.isEmpty else { return .idle }
    if let stall = limits.stall, let lastProgress, lastProgress.advanced(by: stall) <= now { return .stalled }
    var next = now.advanced(by: interval)
    for index in 0..<entries.count {
      let entry = entries[index]
      guard let waiter = entry.pointee.waiter else { continue }
      let deadline = entry.pointee.deadline ?? .distantFuture
      if deadline <= now {
        departures.append(Departure(waiter: waiter, reason: .timedOut))
        entry.pointee.waiter = nil
      } else if waiter.hasLeft {
        departures.append(Departure(waiter: waiter, reason: .cancelled))
        entry.pointee.waiter = nil
      } else {
        next = min(next, deadline)
      }
    }
    return .lookAgain(next)
  }

  /// Takes no more commands; what is in flight goes on.
  mutating func drain(_ error: RedisError) { end = end ?? error }

  /// Ends everything. Each waiter gets an error that says whether its command may have been executed.
  mutating func close(_ error: RedisError) -> [(ReplyWaiter, RedisError)] {
    end = error
    var waiters: [(ReplyWaiter, RedisError)] = []
    while let entry = entries.popFirst() {
      guard let waiter = entry.waiter else { continue }
      waiters.append((waiter, error.indeterminate(sent >= entry.executableFrom)))
    }
    commands = 0
    unstamped = 0
    output.removeAll()
    written = sent
    return waiters
  }

  /// One command is always taken when nothing else waits, however large it is.
  @inline(__always)
  private mutating func isFull(commands more: Int, bytes: Int) -> Bool {
    commands + more > limits.commands || (written != sent && queuedBytes + bytes > limits.bytes)
  }

  private func ended() -> Acceptance { .ended(end ?? .clientClosed) }

  private func overloaded(commands more: Int) -> Acceptance {
    guard commands + more > limits.commands else {
      return .overloaded(
        RedisError(
          .overloaded,
          "\(queuedBytes) bytes wait to be sent already, and the limit is \(limits.bytes) (maxQueuedBytes); "
            + "slow down, or raise the limit"))
    }
    return .overloaded(
      RedisError(
        .overloaded,
        "\(commands) commands wait for their replies already, and the limit is \(limits.commands) "
          + "(maxCommandsInFlight); slow down, or raise the limit"))
  }

  @inline(__always)
  private mutating func write(_ arguments: RedisArguments) {
    let before = output.count
    output.append(arguments)
    written += UInt64(output.count - before)
  }

  @inline(__always)
  private mutating func push(
    _ waiter: ReplyWaiter, _ deadline: MonotonicInstant?, count: Int, executableFrom: UInt64
  ) -> Acceptance {
    entries.append(Entry(waiter: waiter, deadline: deadline, repliesDue: count, executableFrom: executableFrom))
    commands += count
    unstamped += 1
    return accepted()
  }

  /// Within a tick a piece leaves when it is as much work as the server still has: sooner would cost system calls, and
  /// later the server would wait for the client, and then the client for the server.
  @inline(__always)
  private mutating func accepted() -> Acceptance {
    guard needsFlush else {
      needsFlush = true
      return .accepted(.atEndOfTick)
    }
    let isPiece = output.count >= Self.leastPiece && 2 * unstamped >= entries.count
    return .accepted(isPiece ? .now : .isDue)
  }

  private mutating func stamp(_ now: MonotonicInstant) {
    guard unstamped > 0 else { return }
    if unstamped == entries.count { lastProgress = now }
    let deadline = now.advanced(by: limits.timeout)
    for index in (entries.count - unstamped)..<entries.count {
      let entry = entries[index]
      entry.pointee.waiter?.sentAt = now
      if entry.pointee.deadline == nil { entry.pointee.deadline = deadline }
    }
    unstamped = 0
  }
}
