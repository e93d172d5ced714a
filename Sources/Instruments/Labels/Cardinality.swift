/// Decides which label values a new series gets: a pure value, asked only when a lookup finds nothing.
///
/// Only the label that is over its limit loses its values: `path="other"` keeps `method` and `status` as they were, so that
/// sums over the other labels stay right.
struct Cardinality: Sendable {
  private let labels: [Label]
  private let known: [Set<String>]
  private let limits: MetricsLimits
  /// For each label, its values and how many series have them.
  private var values: [[String: Int]]
  /// For each label, how often a value was replaced.
  private(set) var overflow: [UInt64]

  init(_ labels: [Label], _ limits: MetricsLimits) {
    self.labels = labels
    self.limits = limits
    known = labels.map { Set($0.known) }
    values = labels.map { label in
      Dictionary(label.known.map { ($0, 0) }, uniquingKeysWith: { first, _ in first })
    }
    overflow = labels.map { _ in 0 }
  }

  /// Replaces values that look like personal data. Returns how many.
  func redact(_ given: inout [String], with labelGuard: LabelGuard) -> Int {
    var count = 0
    for index in labels.indices where labels[index].isGuarded && values[index][given[index]] == nil {
      guard labelGuard.catches(given[index]) else { continue }
      given[index] = Label.redacted
      count += 1
    }
    return count
  }

  /// Replaces new values of labels that have as many as they may.
  mutating func limit(_ given: inout [String]) {
    for index in labels.indices where isNew(given[index], at: index) {
      let limit = max(known[index].count, labels[index].limit ?? limits.valuesPerLabel)
      if values[index].count >= limit { replace(index, &given) }
    }
  }

  /// Replaces the value of the label that has the most, where there is no room for another series. Returns false if nothing
  /// is left to replace.
  mutating func collapse(_ given: inout [String]) -> Bool {
    let open = labels.indices.filter { given[$0] != Label.overflow && !known[$0].contains(given[$0]) }
    let rest = labels.indices.filter { given[$0] != Label.overflow }
    guard let index = (open.isEmpty ? rest : open).max(by: { values[$0].count < values[$1].count }) else {
      return false
    }
    replace(index, &given)
    return true
  }

  /// Whether a family of so many series has room for one more. Collapsed series have some room beyond the limit.
  func hasRoom(_ count: Int, of limit: Int, isCollapsed: Bool) -> Bool {
    count < limit + (isCollapsed ? limit / 10 + 16 : 0)
  }

  /// A series with these values began.
  mutating func began(_ given: [String]) {
    for (index, value) in given.enumerated() where isCounted(value) { values[index][value, default: 0] += 1 }
  }

  /// A series with these values ended.
  mutating func ended(_ given: [String]) {
    for (index, value) in given.enumerated() {
      guard let count = values[index][value] else { continue }
      values[index][value] = count > 1 || known[index].contains(value) ? max(0, count - 1) : nil
    }
  }

  private func isCounted(_ value: String) -> Bool { value != Label.overflow && value != Label.redacted }

  private func isNew(_ value: String, at index: Int) -> Bool { isCounted(value) && values[index][value] == nil }

  private mutating func replace(_ index: Int, _ given: inout [String]) {
    given[index] = Label.overflow
    overflow[index] &+= 1
  }
}
