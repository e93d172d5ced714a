import CLibPQ
import MainstayReactor
import Synchronization

/// A `PGconn` and everything that is under way on it.
///
/// ```
///   any task                         under the lock                            the reactor's thread
///   ─────────                        ──────────────                            ────────────────────
///   run(unit) ──▶ accept ──▶ send: PQsend…, PQpipelineSync ──▶ inFlight        ready: PQconsumeInput
///                    │                                            │  ▲                    │
///                    └──▶ waiting (a statement is being           │  └── PQgetResult ◀────┘
///                         cancelled, COPY is under way)           ▼
///   resumed  ◀──────────────────────────────────────── the unit's Sync has come      sweep, each 10 ms while
///                                                                              something is under way: deadlines,
///                                                                              cancelled tasks, overdue cancellations
/// ```
///
/// The connection is always in libpq's pipeline mode, save while a COPY or a script runs. A unit is done when the answer to
/// its Sync has come: only then is it certain that what it wrote is committed.
///
/// A `PGconn` bears one thread at a time. The lock is held around sending *and* receiving, so a task on another thread sends
/// by itself, without waking the reactor; on the reactor's own thread the lock is never contended and costs some 20 ns.
/// Nothing foreign runs under it: who is to be resumed and what handlers are to hear is gathered in `after` and done when
/// the lock has been let go.
final class Session: ReactorHandler, ReactorTickHook, @unchecked Sendable {
  // because everything that changes is guarded by `lock`, but for `source` and `timer`, which only the reactor's thread uses.
  let reactor: Reactor
  let settings: PostgresConnectionSettings
  let handlers: PostgresConnectionHandlers
  /// What other connections may yet find out about a pooler; nil if that is certain.
  private let sign: PoolerSign?
  let lock = Mutex(())

  @exclusivity(unchecked) var connection: OpaquePointer?
  /// Why the session has ended; nil while it lives.
  @exclusivity(unchecked) var failure: PostgresError?
  /// The server's last words, which come as a notice.
  @exclusivity(unchecked) var farewell: PostgresError?
  @exclusivity(unchecked) var inFlight = UnitQueue()
  @exclusivity(unchecked) var waiting = UnitQueue()
  @exclusivity(unchecked) var statements: StatementCache
  @exclusivity(unchecked) var cancelling: Cancelling?
  /// No transaction was open when the last answer came, for certain. libpq does not tell while more answers are due.
  @exclusivity(unchecked) var isOutsideTransaction = false
  /// Shared reads have been sent and their Sync has not.
  @exclusivity(unchecked) var isUnsynced = false
  /// libpq holds bytes that wait for the end of the tick.
  @exclusivity(unchecked) var hasUnsent = false
  /// libpq holds bytes that the socket did not take.
  @exclusivity(unchecked) var wantsWrite = false
  /// A reader is behind: the socket is not read.
  @exclusivity(unchecked) var isPaused = false
  /// The socket is to be read again; what libpq has already read makes no socket readable.
  @exclusivity(unchecked) var hasUnread = false
  @exclusivity(unchecked) var isSweeping = false
  /// What the answer that is due next has brought so far.
  @exclusivity(unchecked) var growth = AnswerGrowth()
  @exclusivity(unchecked) private var after = After()
  @exclusivity(unchecked) private var more = More()

  @exclusivity(unchecked) var source: ReactorSource?
  @exclusivity(unchecked) var timer: ReactorTimer?

  /// A statement is being cancelled. Nothing is sent until the call has returned and all answers have come, so that it
  /// cannot hit anybody else's.
  struct Cancelling {
    var callHasReturned = false
    /// A request that comes before the server has begun with the statement is without effect, so it is repeated.
    var repeatAt: MonotonicInstant
    let deadline: MonotonicInstant
  }

  init(
    _ connection: OpaquePointer, reactor: Reactor, _ settings: PostgresConnectionSettings,
    _ handlers: PostgresConnectionHandlers
  ) {
    self.connection = connection
    self.reactor = reactor
    self.settings = settings
    self.handlers = handlers
    let changesServers = settings.pooler.changesServers(backendProcessID: PQbackendPID(connection))
    if settings.pooler == .detected, changesServers { settings.poolerSign?.see() }
    sign = settings.pooler == .detected && !changesServers ? settings.poolerSign : nil
    statements = StatementCache(
      capacity: changesServers ? 0 : settings.statementCacheCapacity, session: .random(in: 0 ... .max))
  }

  deinit {
    if let connection { PQfinish(connection) }
  }
}

// What is left to do when the lock has been let go.
extension Session {
  /// What nearly always is all: one caller to resume, or none.
  struct After {
    var resumed: UnsafeContinuation<Void, Never>?
    /// The reactor's thread has to look at what is watched, at the timer, or at the end.
    var needsReactor = false
    var hasMore = false
  }

  struct More {
    var resumed: [UnsafeContinuation<Void, Never>] = []
    var messages: [Message] = []
  }

  enum Message {
    case notice(PostgresError)
    case notification(PostgresNotification)
  }

  /// Runs `body` under the lock, then does what it left to do.
  @inline(__always)
  func locked<Value>(_ body: () -> Value) -> Value {
    let (value, after) = lock.withLock { _ in
      let value = body()
      let after = self.after
      self.after = After()
      return (Box(value), Box(after))
    }
    perform(after.content)
    return value.content
  }

  /// Carries a value out of the lock; what it refers to is guarded by other means.
  private struct Box<Content>: @unchecked Sendable {
    // because a session hands out only what is safe to hold outside: continuations, results, values.
    let content: Content
    init(_ content: Content) { self.content = content }
  }

  private func perform(_ after: After) {
    if let resumed = after.resumed { resumed.resume() }
    if after.hasMore { performMore() }
    if after.needsReactor {
      if reactor.isOnThread { settle() } else { reactor.submit { self.settle() } }
    }
  }

  private func performMore() {
    let more = lock.withLock { _ in
      defer { self.more = More() }
      return Box(self.more)
    }.content
    for continuation in more.resumed { continuation.resume() }
    for message in more.messages {
      switch message {
      case .notice(let notice): handlers.onNotice?(notice)
      case .notification(let notification): handlers.onNotification?(notification)
      }
    }
  }

  func askReactor() { after.needsReactor = true }

  func deliver(_ message: Message) {
    more.messages.append(message)
    after.hasMore = true
  }

  func resume(_ continuation: UnsafeContinuation<Void, Never>) {
    if after.resumed == nil {
      after.resumed = continuation
    } else {
      more.resumed.append(continuation)
      after.hasMore = true
    }
  }

  /// Resumes whoever waits for the unit.
  func wake(_ unit: SessionUnit) {
    guard let continuation = unit.continuation else { return }
    unit.continuation = nil
    unit.task = nil
    resume(continuation)
  }
}

// What a caller does.
extension Session {
  /// Hands a unit in and waits for it.
  @inline(__always)
  nonisolated(nonsending) func run(_ unit: SessionUnit) async {
    await withUnsafeContinuation { continuation in
      withUnsafeCurrentTask { unit.task = $0 }
      unit.continuation = continuation
      locked { accept(unit) }
    }
  }

  /// Waits for a unit that has been handed in, unless `isReady` says under the lock that there is nothing to wait for.
  func wait(for unit: SessionUnit, unless isReady: () -> Bool) async {
    await withUnsafeContinuation { continuation in
      locked {
        if isReady() { return resume(continuation) }
        withUnsafeCurrentTask { unit.task = $0 }
        unit.extra?.waitLimit = nil
        unit.continuation = continuation
        sweepSoon()
      }
    }
  }

  private func accept(_ unit: SessionUnit) {
    unit.isSubmitted = true
    if let failure { return refuse(unit, failure) }
    guard inFlight.count + waiting.count < settings.queueLimit else {
      return refuse(unit, .queueIsFull(settings.queueLimit))
    }
    if let deadline = unit.deadline, deadline <= .now { return refuse(unit, .timedOut) }
    if waiting.isEmpty, canSend(unit) { send(unit) } else { waiting.append(unit) }
    sweepSoon()
  }

  /// Ends a unit that is not sent.
  func refuse(_ unit: SessionUnit, _ error: PostgresError) {
    unit.fail(error)
    unit.isDone = true
    wake(unit)
  }

  private func sweepSoon() {
    if isSweeping { return }
    isSweeping = true
    askReactor()
  }

  func canSend(_ unit: SessionUnit) -> Bool {
    guard cancelling == nil else { return false }
    if let sign, sign.isSeen { statements.keepNothing() }
    guard statements.keepsStatements else { return canSendAlone(unit) }
    guard let first = inFlight.first else { return true }
    return !unit.kind.isExclusive && !first.kind.isExclusive
  }

  /// Behind a pooler that changes servers nothing is sent while an answer is due (`PostgresPooler`); only shared reads join
  /// those that have no Sync yet.
  private func canSendAlone(_ unit: SessionUnit) -> Bool {
    isUnsynced ? unit.kind == .sharedRead : inFlight.isEmpty
  }

  /// Sends what had to wait and need not wait any more.
  func sendWaiting() {
    while failure == nil, let unit = waiting.first, canSend(unit) {
      waiting.removeFirst()
      send(unit)
    }
  }
}

extension PostgresError {
  static func queueIsFull(_ limit: Int) -> PostgresError {
    PostgresError(.misuse, "\(limit) statements are under way or wait on this connection; use more connections")
  }
}
