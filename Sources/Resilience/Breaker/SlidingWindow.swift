/// Successes and failures of the last period, in ten parts of it: memory does not depend on the number of calls. A value.
struct SlidingWindow: Sendable, Hashable {
  private struct Part: Sendable, Hashable {
    var successes: UInt32 = 0
    var failures: UInt32 = 0
  }

  static let parts = 10

  private let width: Duration
  private var ring = [Part](repeating: Part(), count: parts)
  private var index = 0
  /// When the newest part began.
  private var began: ContinuousClock.Instant
  private(set) var successes = 0
  private(set) var failures = 0

  var calls: Int { successes + failures }

  init(period: Duration, at now: ContinuousClock.Instant) {
    width = max(.nanoseconds(1), period / Self.parts)
    began = now
  }

  /// Counts a call. Moves on first: the call that begins a part belongs to it.
  mutating func add(isSuccess: Bool, at now: ContinuousClock.Instant) {
    move(to: now)
    if isSuccess {
      ring[index].successes &+= 1
      successes += 1
    } else {
      ring[index].failures &+= 1
      failures += 1
    }
  }

  /// Forgets what is older than the period.
  mutating func move(to now: ContinuousClock.Instant) {
    let elapsed = began.duration(to: now)
    guard elapsed >= width else { return }
    if elapsed >= width * Self.parts {
      self = SlidingWindow(width: width, at: now)
      return
    }
    while began.duration(to: now) >= width {
      began = began.advanced(by: width)
      index = (index + 1) % Self.parts
      successes -= Int(ring[index].successes)
      failures -= Int(ring[index].failures)
      ring[index] = Part()
    }
  }

  private init(width: Duration, at now: ContinuousClock.Instant) {
    self.width = width
    began = now
  }
}
