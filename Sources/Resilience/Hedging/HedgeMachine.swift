/// The copies of one hedged call. A value.
struct HedgeMachine: Sendable {
  enum Decision: Sendable, Hashable {
    /// Another copy still runs: its answer may be better.
    case wait
    /// The call ends with this failure.
    case end
  }

  private let copies: Int
  private(set) var started = 0
  private(set) var running = 0
  private(set) var isOver = false

  /// - Parameter copies: The most copies beside the first call.
  init(copies: Int) { self.copies = max(0, copies) }

  var canStart: Bool { !isOver && started <= copies }
  /// Whether another copy may be started later.
  var hasMore: Bool { !isOver && started <= copies && running > 0 }

  mutating func start() {
    started += 1
    running += 1
  }

  /// A copy has succeeded. True for the first.
  mutating func succeeded() -> Bool {
    running -= 1
    defer { isOver = true }
    return !isOver
  }

  mutating func failed(isPermanent: Bool) -> Decision {
    running -= 1
    guard !isOver, isPermanent || running == 0 else { return .wait }
    isOver = true
    return .end
  }

  mutating func giveUp() -> Bool {
    defer { isOver = true }
    return !isOver
  }
}
