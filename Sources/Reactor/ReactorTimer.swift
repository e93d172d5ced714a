/// Something to be done at a moment, on the reactor's thread. One timer is pending at most once; setting it again moves
/// it. A timer that is never set costs nothing but its memory, and setting one takes O(log n).
///
/// The reactor keeps a pending timer alive, so let the action refer weakly to what owns the timer.
public final class ReactorTimer: @unchecked Sendable {
  // because everything that changes is touched on the reactor's thread only.
  private let action: @Sendable () -> Void
  @exclusivity(unchecked) var position = -1

  /// A timer that is not yet set.
  ///
  /// - Parameter action: called on the reactor's thread, outside any task; it must not block. When the reactor shuts
  ///   down, every pending timer is due.
  public init(_ action: @escaping @Sendable () -> Void) {
    self.action = action
  }

  /// Whether it will fire. For the reactor's thread only.
  public var isPending: Bool { position >= 0 }

  func fire() { action() }
}

/// The pending timers, the earliest on top: a heap with four children a node, in which every timer knows its place, so
/// that it can be taken out without a search. Timers for the same moment fire in the order in which they were set.
struct TimerHeap {
  private struct Entry {
    let deadline: MonotonicInstant
    let order: UInt64
    let timer: ReactorTimer

    func isBefore(_ other: Entry) -> Bool {
      deadline == other.deadline ? order < other.order : deadline < other.deadline
    }
  }

  private var entries: [Entry] = []
  private var order: UInt64 = 0

  var isEmpty: Bool { entries.isEmpty }
  var count: Int { entries.count }
  var earliest: MonotonicInstant? { entries.first?.deadline }

  mutating func set(_ timer: ReactorTimer, _ deadline: MonotonicInstant) {
    remove(timer)
    order &+= 1
    entries.append(Entry(deadline: deadline, order: order, timer: timer))
    timer.position = entries.count - 1
    rise(from: entries.count - 1)
  }

  mutating func remove(_ timer: ReactorTimer) {
    let position = timer.position
    guard position >= 0, position < entries.count, entries[position].timer === timer else { return }
    timer.position = -1
    let last = entries.removeLast()
    guard position < entries.count else { return }
    entries[position] = last
    last.timer.position = position
    rise(from: position)
    sink(from: last.timer.position)
  }

  /// Takes out the earliest timer if it is due.
  mutating func popDue(_ now: MonotonicInstant) -> ReactorTimer? {
    guard let first = entries.first, first.deadline <= now else { return nil }
    remove(first.timer)
    return first.timer
  }

  private mutating func rise(from start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 4
      guard entries[child].isBefore(entries[parent]) else { return }
      exchange(child, parent)
      child = parent
    }
  }

  private mutating func sink(from start: Int) {
    var parent = start
    while true {
      let first = parent * 4 + 1
      guard first < entries.count else { return }
      var least = first
      for child in first..<min(first + 4, entries.count) where entries[child].isBefore(entries[least]) {
        least = child
      }
      guard entries[least].isBefore(entries[parent]) else { return }
      exchange(least, parent)
      parent = least
    }
  }

  private mutating func exchange(_ left: Int, _ right: Int) {
    entries.swapAt(left, right)
    entries[left].timer.position = left
    entries[right].timer.position = right
  }
}
