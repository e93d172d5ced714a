/// The last numbers of one series at one resolution: a column a number, a slot a tick. Ticks that were missed are NaN.
struct SeriesRing: Sendable {
  let columns: Int
  let capacity: Int
  private var numbers: [Double]
  /// The tick of the first and of the latest sample.
  private(set) var first: Int?
  private(set) var last = 0

  init(columns: Int, capacity: Int) {
    self.columns = columns
    self.capacity = capacity
    numbers = Array(repeating: .nan, count: columns * capacity)
  }

  static func bytes(columns: Int, capacity: Int) -> Int { columns * capacity * 8 + 64 }

  mutating func record(_ sample: [Double], at tick: Int) {
    if let first, first <= last {
      guard tick > last else { return }
      for missed in max(last + 1, tick - capacity + 1)..<max(last + 1, tick) { clear(missed) }
    } else {
      first = tick
    }
    last = tick
    let start = slot(tick) * columns
    for column in 0..<columns { numbers[start + column] = column < sample.count ? sample[column] : .nan }
  }

  /// The number of a column at a tick; nil if there is none.
  func number(_ column: Int, at tick: Int) -> Double? {
    guard let first, tick >= first, tick <= last, tick > last - capacity else { return nil }
    let number = numbers[slot(tick) * columns + column]
    return number.isNaN ? nil : number
  }

  private mutating func clear(_ tick: Int) {
    let start = slot(tick) * columns
    for column in 0..<columns { numbers[start + column] = .nan }
  }

  private func slot(_ tick: Int) -> Int { ((tick % capacity) + capacity) % capacity }
}

extension SeriesRing {
  /// The numbers of a column in the ticks of a window.
  func samples(_ column: Int, _ ticks: ClosedRange<Int>) -> [Double] {
    var samples: [Double] = []
    forEach(column, ticks) { samples.append($0) }
    return samples
  }

  /// Goes through the numbers of a column in the ticks of a window, as far as there are any: a window of days costs no more than what is
  /// kept.
  private func forEach(_ column: Int, _ ticks: ClosedRange<Int>, _ body: (Double) -> Void) {
    guard let first else { return }
    let from = max(ticks.lowerBound, first, last - capacity + 1)
    let to = min(ticks.upperBound, last)
    guard from <= to else { return }
    numbers.withUnsafeBufferPointer { numbers in
      var slot = slot(from)
      for _ in from...to {
        let number = numbers[slot * columns + column]
        if !number.isNaN { body(number) }
        slot = slot + 1 == capacity ? 0 : slot + 1
      }
    }
  }

  /// The latest number of a column in a window.
  func latest(_ column: Int, _ ticks: ClosedRange<Int>) -> Double? {
    var latest: Double?
    forEach(column, ticks) { latest = $0 }
    return latest
  }

  /// What was added to a number that only grows: exact, and not extrapolated as PromQL's is. A fall means that counting began
  /// anew. A series that appeared within the window counts from zero, unless it was there when the store began.
  func increase(_ column: Int, _ ticks: ClosedRange<Int>, wasBorn: Bool) -> Double? {
    var before = before(ticks.lowerBound, column, within: max(1, ticks.count))
    if before == nil, wasBorn, let first, ticks.contains(first) { before = 0 }
    var sum = 0.0
    var count = 0
    var previous = before
    forEach(column, ticks) { sample in
      let start = previous ?? sample
      sum += sample >= start ? sample - start : sample
      previous = sample
      count += 1
    }
    return count == 0 || (before == nil && count == 1) ? nil : sum
  }

  /// The number before a tick, not longer ago than so many ticks.
  private func before(_ tick: Int, _ column: Int, within: Int) -> Double? {
    // Neither before the first sample nor before the oldest that is kept, however far back is asked.
    guard let first else { return nil }
    let oldest = max(tick - within, first, last - capacity + 1)
    let latest = min(tick - 1, last)
    guard oldest <= latest else { return nil }
    for earlier in (oldest...latest).reversed() {
      if let number = number(column, at: earlier) { return number }
    }
    return nil
  }
}
