/// How long a consumer lets events gather before it takes them, and how long it looks for more before it parks.
///
/// Exchanging the ring with a publisher on another core costs as much as ten events, waking a parked consumer as much as
/// a hundred. So a consumer of a busy stream gives way a few times first; a quiet one is woken by its first event and
/// takes it at once. Both counts follow what giving way brought before.
struct Gathering {
  /// How often to give way before the next batch is taken.
  private(set) var pauses = 0
  /// How often to look again before parking.
  private(set) var patience = 1

  /// A batch of this size is worth its hand-over.
  static let fullBatch = 128
  static let mostPauses = 8
  static let mostPatience = 32

  /// A batch came after that many vain looks.
  mutating func found(_ count: Int, after looks: Int) {
    if looks > 0 { patience = min(patience * 2, Self.mostPatience) }
    if count >= Self.fullBatch {
      pauses = max(pauses - 1, 0)
    } else {
      pauses = min(pauses * 2 + 1, Self.mostPauses)
    }
  }

  /// Looking again brought nothing.
  mutating func parked() {
    pauses = 0
    patience = max(1, patience / 2)
  }
}
