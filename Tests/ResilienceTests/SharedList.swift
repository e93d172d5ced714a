import Synchronization

/// A list that many tasks append to.
final class SharedList: Sendable {
  private let list = Mutex<[Int]>([])

  var values: [Int] { list.withLock { $0 } }

  func add(_ value: Int) { list.withLock { $0.append(value) } }
}
