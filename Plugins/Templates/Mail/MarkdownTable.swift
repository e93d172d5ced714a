/// A table as GitHub's Markdown writes it: a head, a line of hyphens, rows (https://github.github.com/gfm/#tables-extension-).
struct MarkdownTable {
  /// How many tables are open in each other.
  var depth = 0
  /// Where in the output the row begins.
  private(set) var start = 0
  private(set) var isInRow = false
  private var cells = 0
  private var hasData = false
  private var hasHead = false

  mutating func begin(at place: Int) { (start, isInRow, cells, hasData) = (place, true, 0, false) }

  /// What is written before a cell.
  mutating func cell(isHeader: Bool, columns: Int) -> String {
    let mark = cells == 0 ? "| " : String(repeating: " |", count: pending) + " "
    hasData = hasData || !isHeader
    pending = columns
    cells += columns
    return mark
  }

  /// How many columns the last cell takes.
  private var pending = 1

  /// What is written before the row and after it; nil if it has no cells. Before rows without a head stands an empty one.
  mutating func end() -> (head: String, tail: String)? {
    isInRow = false
    guard cells > 0 else { return nil }
    var tail = String(repeating: " |", count: pending)
    let rule = "|" + String(repeating: " --- |", count: cells)
    defer { hasHead = true }
    guard !hasHead else { return ("", tail) }
    if hasData { return ("|" + String(repeating: "  |", count: cells) + "\n" + rule + "\n", tail) }
    tail += "\n" + rule
    return ("", tail)
  }
}
