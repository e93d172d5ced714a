/// What somebody may have meant.
enum Spelling {
  /// The candidate that is fewest edits away, if it is near enough to be meant.
  static func closest(to word: String, among candidates: some Sequence<String>) -> String? {
    guard word.count <= 100 else { return nil }
    let limit = max(1, word.count / 3)
    let measured = candidates.filter { $0.count <= 100 }.map { (name: $0, distance: distance(word, $0)) }
    let best = measured.min { ($0.distance, $0.name) < ($1.distance, $1.name) }
    return best.flatMap { $0.distance <= limit && $0.distance < $0.name.count ? $0.name : nil }
  }

  /// How many letters must be inserted, removed, replaced or swapped with their neighbour; case and `-`/`_` are free.
  static func distance(_ left: String, _ right: String) -> Int {
    let left = folded(left)
    let right = folded(right)
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for (row, letter) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        let replaced = last[column] + (letter == other ? 0 : 1)
        var least = min(replaced, last[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
          least = min(least, beforeLast[column - 1] + 1)
        }
        current.append(least)
      }
      (beforeLast, last) = (last, current)
    }
    return last[right.count]
  }

  private static func folded(_ text: String) -> [Character] {
    text.lowercased().map { $0 == "-" ? "_" : $0 }
  }
}
