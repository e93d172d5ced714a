/// How much of the pool is in use.
public enum PoolPressureLevel: Int, Sendable, Hashable, Comparable {
  /// Connections are to be had.
  case normal
  /// Nearly all are in use.
  case nearlyExhausted
  /// All are in use and somebody waits.
  case exhausted

  /// Whether the left one is less.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Tells when the pressure has changed. It rises at once; it falls when use is clearly lower and at least a second has
/// passed, so that a load that swings around the mark is told of once.
struct PoolPressure: Sendable {
  private static let hold: Int64 = 1_000_000_000

  private(set) var level = PoolPressureLevel.normal
  private var raisedAt = PoolInstant(nanoseconds: .min)
  private let near: Double
  private let relief: Double
  /// More in use than this is near exhaustion.
  private(set) var nearMark = 0
  private var reliefMark = 0
  /// Whether it was looked at after the hold.
  private var isHeld = false

  init(_ settings: PoolSettings) {
    near = settings.nearExhaustion
    relief = settings.relief
  }

  mutating func setLimit(_ limit: Int) {
    nearMark = Int(near * Double(limit))
    reliefMark = min(Int((relief * Double(limit)).rounded(.up)) - 1, nearMark)
  }

  /// When it is to be looked at even if nothing happens; after that, whatever is given back looks.
  var nextLook: PoolInstant { level == .normal || isHeld ? .never : raisedAt + Self.hold }

  /// The new level, if it has changed.
  mutating func look(leased: Int, limit: Int, waiting: Int, now: PoolInstant) -> PoolPressureLevel? {
    let present: PoolPressureLevel =
      leased >= limit && waiting > 0 ? .exhausted : leased > nearMark ? .nearlyExhausted : .normal
    if present > level {
      (level, raisedAt, isHeld) = (present, now, false)
      return present
    }
    guard level != .normal, now >= raisedAt + Self.hold else { return nil }
    isHeld = true
    guard present == .normal, leased <= max(0, reliefMark), waiting == 0 else { return nil }
    level = .normal
    return .normal
  }
}
