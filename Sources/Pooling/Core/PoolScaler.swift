/// Decides how many connections a pool may open, from how they are used: a value, asked at intervals.
///
/// More are allowed when most of the allowed ones were in use and callers waited, unless the processors are busy: then
/// more connections would only make everybody slower. Fewer are allowed after a long time of little use.
struct PoolScaler: Sendable {
  /// What was seen since the last look.
  struct Sample: Sendable {
    /// The most connections in use at a time.
    var peak: Int
    /// Callers that wait now.
    var waiting: Int
    /// The 95th percentile of waits.
    var wait: Duration
    /// Percent of the processors in use; nil if unknown, which brakes nothing.
    var processor: Double?
  }

  private let settings: PoolScaling
  private let least: Int
  private let most: Int
  private var lastUp = PoolInstant(nanoseconds: .min)
  private var lastDown = PoolInstant(nanoseconds: .min)
  private var quietSince: PoolInstant?

  init(_ settings: PoolScaling, least: Int, most: Int) {
    self.settings = settings
    self.least = max(1, min(least, most))
    self.most = most
  }

  /// Where to begin: a quarter of the most, or the least.
  var start: Int { max(least, (most + 3) / 4) }

  /// The new limit, if it is to change.
  mutating func decide(_ sample: Sample, limit: Int, now: PoolInstant) -> Int? {
    let step = max(1, Int((Double(limit) * settings.step).rounded()))
    let isBusy = Double(sample.peak) >= settings.connectionThreshold * Double(limit)
    if isBusy, sample.waiting > 0 || sample.wait >= settings.targetWait {
      quietSince = nil
      guard limit < most, (sample.processor ?? 0) <= settings.processorBrake else { return nil }
      guard now - lastUp >= settings.upCooldown.poolNanoseconds else { return nil }
      lastUp = now
      return min(most, limit + step)
    }
    // One at a time is little even where few are allowed: whoever asks the server for a sign of life uses that one.
    guard sample.peak <= 1 || Double(sample.peak) < settings.idleThreshold * Double(limit) else {
      quietSince = nil
      return nil
    }
    let quiet = quietSince ?? now
    quietSince = quiet
    let cooldown = settings.downCooldown.poolNanoseconds
    guard limit > least, now - quiet >= cooldown, now - lastUp >= cooldown, now - lastDown >= cooldown else {
      return nil
    }
    lastDown = now
    return max(least, sample.peak, limit - step)
  }
}
