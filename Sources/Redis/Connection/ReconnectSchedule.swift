/// How long to pause before the next attempt to connect: twice as long after each failure, up to a limit, and shortened
/// at random by up to half, so that many clients do not come back at the same moment.
struct ReconnectSchedule: Sendable {
  let first: Duration
  let longest: Duration
  private(set) var failures = 0

  init(first: Duration, longest: Duration) {
    self.first = first
    self.longest = longest
  }

  /// The pause after one more failure. `random` is from 0 up to, not including, 1.
  mutating func pauseAfterFailure(random: Double) -> Duration {
    let doublings = min(failures, 30)
    failures += 1
    let pause = min(first * (1 << doublings), longest)
    return pause - pause * (random / 2)
  }

  /// A connection has proved to be of use.
  mutating func succeeded() { failures = 0 }
}
