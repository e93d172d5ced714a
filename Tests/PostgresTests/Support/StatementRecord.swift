import MainstayPostgres
import Synchronization

/// What became of every statement, such as `select ok`.
final class StatementRecord: PostgresMeter {
  private let list = Mutex<[(String, UInt64)]>([])

  var all: [String] { list.withLock { $0.map(\.0) } }
  /// The nanoseconds of the one that took longest.
  var longest: UInt64 { list.withLock { $0.map(\.1).max() ?? 0 } }

  func record(_ operation: PostgresOperation, _ outcome: PostgresOutcome, nanoseconds: UInt64) {
    list.withLock { $0.append(("\(operation) \(outcome)", nanoseconds)) }
  }

  /// Forgets what was.
  func clear() { list.withLock { $0 = [] } }
}
