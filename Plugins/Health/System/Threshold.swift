/// Two levels above which something is too much, and a margin below which it is not any more. A value.
struct Threshold: Sendable {
  /// How much it is.
  enum Level: String, Sendable, Comparable, CaseIterable {
    case normal, warning, critical

    static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }

    private var rank: Int { Level.allCases.firstIndex(of: self) ?? 0 }
  }

  let warning: Double
  let critical: Double
  /// How far below a level it must be before that level is left.
  let margin: Double
  private(set) var level = Level.normal

  init(warning: Double, critical: Double, margin: Double) {
    self.warning = warning
    self.critical = critical
    self.margin = margin
  }

  /// The measure of a level.
  func bound(_ level: Level) -> Double { level == .critical ? critical : warning }

  /// Something was measured. The level it went to, if that is another.
  mutating func measure(_ value: Double) -> Level? {
    let entered: Level = value >= critical ? .critical : value >= warning ? .warning : .normal
    let kept: Level = value >= critical - margin ? .critical : value >= warning - margin ? .warning : .normal
    // Up at the level itself, down only below its margin.
    let next = entered > level ? entered : min(level, kept)
    guard next != level else { return nil }
    level = next
    return next
  }
}
