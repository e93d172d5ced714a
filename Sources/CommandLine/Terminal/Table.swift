/// Columns of text, each as wide as its widest cell.
struct Table: Sendable {
  private let header: [String]
  private var rows: [[String]] = []

  init(_ header: [String]) { self.header = header }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// The table as lines; the last column is not padded.
  func text(_ style: Style) -> String {
    let widths = header.indices.map { column in
      ([header] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    let lines = [line(header, widths, style.bold)] + rows.map { line($0, widths) { $0 } }
    return lines.joined(separator: "\n")
  }

  private func line(_ cells: [String], _ widths: [Int], _ paint: (String) -> String) -> String {
    let padded = cells.enumerated().map { column, cell in
      let space = column == cells.count - 1 ? 0 : widths[column] - cell.count
      return paint(cell) + String(repeating: " ", count: max(0, space))
    }
    return padded.joined(separator: "  ")
  }
}
