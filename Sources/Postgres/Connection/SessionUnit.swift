import CLibPQ
import MainstayReactor

/// What a caller asked of a connection, from the request to the last answer. While a session holds it, the session's lock
/// guards it; when its caller has been resumed for the last time, it is the caller's.
final class SessionUnit: @unchecked Sendable {
  // because of the above.
  enum Kind {
    /// One statement and its Sync.
    case statement
    /// One statement without a Sync of its own: the next one in the stream is shared by all reads of a tick.
    case sharedRead
    /// Many statements under one Sync: one implicit transaction.
    case batch
    /// One statement and its Sync, its rows delivered as they come.
    case rows
    /// A Sync that ends shared reads. Nobody waits for it.
    case sync
    /// Nothing is sent. It is done when everything before it is.
    case barrier
    /// Several statements in one text, by the simple protocol.
    case script
    /// COPY … FROM STDIN.
    case copyIn
    /// COPY … TO STDOUT.
    case copyOut

    /// Whether it runs outside pipeline mode, with nothing else under way.
    var isExclusive: Bool {
      switch self {
      case .statement, .sharedRead, .batch, .rows, .sync: false
      case .barrier, .script, .copyIn, .copyOut: true
      }
    }
  }

  @exclusivity(unchecked) var kind: Kind
  let query: PostgresQuery
  /// What only some kinds need.
  let extra: Extra?
  @exclusivity(unchecked) var deadline: MonotonicInstant?

  // Who waits, and for what.
  @exclusivity(unchecked) var continuation: UnsafeContinuation<Void, Never>?
  // Only read while the task waits in `continuation`, so it is alive.
  @exclusivity(unchecked) var task: UnsafeCurrentTask?
  @exclusivity(unchecked) var error: PostgresError?
  @exclusivity(unchecked) var result: PostgresResult?

  // How far the answers have come. A statement has one step, and one more before it if it is prepared on the way.
  @exclusivity(unchecked) var step = 0
  @exclusivity(unchecked) var steps = 0
  @exclusivity(unchecked) var copy = CopyPhase.none
  @exclusivity(unchecked) var preparesFirst = false
  @exclusivity(unchecked) var statement: PreparedStatement?
  /// A statement before it under the same Sync failed, and it has not been run.
  @exclusivity(unchecked) var isAborted = false
  /// A prepared statement was lost under it, so it is asked again without one, once: what another has prepared since may be
  /// lost, too.
  @exclusivity(unchecked) var doesWithoutNames = false
  /// Its caller has gone, by deadline or cancellation; what still comes is thrown away.
  @exclusivity(unchecked) var isAbandoned = false
  @exclusivity(unchecked) var isDone = false
  @exclusivity(unchecked) var isSubmitted = false
  @exclusivity(unchecked) var strayEnds = 0

  @exclusivity(unchecked) var next: SessionUnit?
  /// When its last answer came, as far as the reactor's clock tells.
  @exclusivity(unchecked) var answeredAt: MonotonicInstant?

  struct BatchStep {
    let isPrepare: Bool
    let statement: PreparedStatement?
    let index: Int
  }

  enum CopyPhase {
    case none, sending, receiving
  }

  /// Apart, so that a plain statement is small.
  final class Extra: @unchecked Sendable {
    // because it is guarded as the unit is.
    let batch: [PostgresQuery]
    @exclusivity(unchecked) var batchSteps: [BatchStep] = []
    @exclusivity(unchecked) var results: [PostgresResult] = []
    @exclusivity(unchecked) var gathered = GatheredRows()
    /// What `results` take.
    @exclusivity(unchecked) var size = 0
    @exclusivity(unchecked) var rows = SessionFeed<PostgresResult>()
    @exclusivity(unchecked) var bytes = SessionFeed<[UInt8]>()
    @exclusivity(unchecked) var columns: PostgresColumns?
    /// Until when a reader waits for more, or a COPY for its source.
    @exclusivity(unchecked) var waitLimit: MonotonicInstant?
    /// The caller of a COPY, which waits for its end while the source is on the way.
    @exclusivity(unchecked) var copier: UnsafeContinuation<Void, Never>?
    /// Why the source of a COPY ended early.
    @exclusivity(unchecked) var sourceFailure: (any Error)?
    /// When a stream was asked for, until its meter has been told of its end.
    @exclusivity(unchecked) var begun: MonotonicInstant?

    init(batch: [PostgresQuery]) { self.batch = batch }

    /// Lets go of the results, and of the memory that they share.
    func dropResults() {
      results = []
      gathered = GatheredRows()
    }
  }

  init(_ kind: Kind, _ query: PostgresQuery, batch: [PostgresQuery] = [], deadline: MonotonicInstant? = nil) {
    self.kind = kind
    self.query = query
    extra = kind == .statement || kind == .sharedRead ? nil : Extra(batch: batch)
    self.deadline = deadline
  }

  /// A Sync, or a statement of the session's own.
  static func own(_ kind: Kind, _ query: PostgresQuery = "") -> SessionUnit {
    let unit = SessionUnit(kind, query)
    unit.isAbandoned = true
    unit.isOwn = true
    return unit
  }

  var isAtPrepare: Bool {
    kind == .batch ? batchStep?.isPrepare ?? false : preparesFirst && step == 0
  }

  var batchStep: BatchStep? {
    guard let extra, step < extra.batchSteps.count else { return nil }
    return extra.batchSteps[step]
  }

  /// The prepared statement of the current step.
  var currentStatement: PreparedStatement? {
    kind == .batch ? batchStep?.statement : statement
  }

  /// Whether it is the session's own, so that nobody ever waited for it.
  @exclusivity(unchecked) private(set) var isOwn = false

  /// Whether it may have changed something.
  var mayWrite: Bool {
    switch kind {
    case .batch: extra?.batch.contains { !$0.isRead } ?? false
    case .barrier, .sync, .copyOut: false
    default: !query.isRead
    }
  }

  /// Whether there is something for its reader.
  var hasArrived: Bool { extra.map { !$0.rows.isEmpty || !$0.bytes.isEmpty } ?? false }

  /// Whether its time runs only while somebody waits, anew each time.
  var isStream: Bool { kind == .rows || kind == .copyIn || kind == .copyOut }

  /// Whether a statement that the server keeps was used.
  var usesPreparedStatements: Bool {
    statement != nil || extra?.batchSteps.contains { $0.statement != nil } ?? false
  }

  /// Whether a batch that failed has been undone as a whole. One that has ended a transaction by itself has not.
  var hasChangedNothing: Bool {
    extra?.results.allSatisfy { result in
      ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"].contains(result.commandTag.prefix { $0 != " " })
    } ?? true
  }

  /// Makes it as good as new, to be sent once more.
  func rewind() {
    extra?.batchSteps = []
    extra?.dropResults()
    extra?.size = 0
    error = nil
    result = nil
    step = 0
    preparesFirst = false
    statement = nil
    isAborted = false
    strayEnds = 0
  }

  /// The first error counts: those after it are consequences.
  func fail(_ error: PostgresError) {
    if self.error == nil { self.error = error }
  }
}

/// What came for a reader and what it has not yet fetched.
struct SessionFeed<Element> {
  private(set) var waiting: [Element] = []
  private(set) var size = 0

  var isEmpty: Bool { waiting.isEmpty }

  mutating func append(_ element: Element, size: Int) {
    waiting.append(element)
    self.size += size
  }

  mutating func take() -> [Element] {
    size = 0
    defer { waiting = [] }
    return waiting
  }
}

/// Units in the order in which their answers come.
struct UnitQueue {
  private(set) var first: SessionUnit?
  private var last: SessionUnit?
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ unit: SessionUnit) {
    if let last { last.next = unit } else { first = unit }
    last = unit
    count += 1
  }

  @discardableResult mutating func removeFirst() -> SessionUnit? {
    guard let unit = first else { return nil }
    first = unit.next
    unit.next = nil
    if first == nil { last = nil }
    count -= 1
    return unit
  }

  /// Takes out those that do not pass, in order.
  mutating func keep(_ passes: (SessionUnit) -> Bool) {
    var all = self
    self = UnitQueue()
    while let unit = all.removeFirst() {
      if passes(unit) { append(unit) }
    }
  }

  func forEach(_ body: (SessionUnit) -> Void) {
    var unit = first
    while let current = unit {
      unit = current.next
      body(current)
    }
  }

  func allSatisfy(_ condition: (SessionUnit) -> Bool) -> Bool {
    var unit = first
    while let current = unit {
      if !condition(current) { return false }
      unit = current.next
    }
    return true
  }
}
