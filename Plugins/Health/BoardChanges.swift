import Synchronization

/// Tells the board of changes in what it is made of, which exists before it.
final class BoardChanges: Sendable {
  private struct Weak: Sendable { weak var board: HealthBoard? }

  private let known = Mutex(Weak())

  func board(_ board: HealthBoard) { known.withLock { $0.board = board } }

  func tell() { known.withLock { $0.board }?.change() }
}
