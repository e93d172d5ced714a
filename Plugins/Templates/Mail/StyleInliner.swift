/// Writes the rules of a page's style sheets into its elements, since many mail programs drop style sheets.
///
/// Media queries, fonts, imports and selectors with states stay in a `<style>` element. `!important` is kept.
struct StyleInliner {
  private var sheet = StyleSheet()
  private var output = ""
  private var open: [HTMLTag] = []
  /// Elements deeper than this do not count for selectors.
  private static let deepest = 512

  /// The page with its styles written into its elements; nil if the time is over before that.
  static func inlined(_ html: String, isTimeOver: () -> Bool = { false }) -> String? {
    var inliner = StyleInliner()
    return inliner.run(HTMLToken.tokens(of: html), isTimeOver)
  }

  private mutating func run(_ tokens: [HTMLToken], _ isTimeOver: () -> Bool) -> String? {
    let styles = styleElements(tokens)
    guard !styles.isEmpty else { return tokens.map(\.source).joined() }
    for index in styles { if case .other(let text) = tokens[index + 1] { sheet.add(text) } }
    let rules = sheet.rules.enumerated().sorted { left, right in
      let (one, other) = (left.element.specificity, right.element.specificity)
      return one == other ? left.offset < right.offset : one.lexicographicallyPrecedes(other)
    }.map(\.element)
    var index = 0
    var wroteRemainder = false
    while index < tokens.count {
      if styles.contains(index) {
        if !wroteRemainder && !sheet.remainder.isEmpty {
          output += tokens[index].source + "\n" + sheet.remainder + "</style>"
          wroteRemainder = true
        }
        index += 3
        continue
      }
      if index % 64 == 0, isTimeOver() { return nil }
      write(tokens[index], rules)
      index += 1
    }
    return output
  }

  /// Where style elements stand that hold for every medium: start tag, content, end tag.
  private func styleElements(_ tokens: [HTMLToken]) -> Set<Int> {
    var found: Set<Int> = []
    for index in tokens.indices where index + 2 < tokens.count {
      guard case .start(let tag) = tokens[index], tag.name == "style", case .other = tokens[index + 1],
        case .end("style", _) = tokens[index + 2], ["", "all", "screen"].contains(tag["media"] ?? "")
      else { continue }
      found.insert(index)
    }
    return found
  }

  private mutating func write(_ token: HTMLToken, _ rules: [StyleSheet.Rule]) {
    switch token {
    case .start(var tag):
      if let style = style(of: tag, rules) { tag.set("style", style) }
      output += tag.source
      if !tag.isVoid && open.count < Self.deepest { open.append(tag) }
    case .end(let name, let source):
      if let place = open.lastIndex(where: { $0.name == name }) { open.removeSubrange(place...) }
      output += source
    case .text, .other: output += token.source
    }
  }

  /// The element's own style after the rules, of which the important ones win over it; nil if no rule matches.
  private func style(of tag: HTMLTag, _ rules: [StyleSheet.Rule]) -> String? {
    let matching = rules.filter { matches($0.selector, tag) }
    guard !matching.isEmpty, !["head", "html", "style", "script", "title", "meta", "link"].contains(tag.name) else {
      return nil
    }
    let own = StyleSheet.declarations(tag["style"] ?? "")
    let cascade = matching.flatMap(\.declarations)
    var order: [String] = []
    var values: [String: StyleSheet.Declaration] = [:]
    for declaration in cascade.filter({ !$0.isImportant }) + own + cascade.filter(\.isImportant) {
      if values[declaration.property] == nil { order.append(declaration.property) }
      if let known = values[declaration.property], known.isImportant, !declaration.isImportant { continue }
      values[declaration.property] = declaration
    }
    return order.compactMap { values[$0] }
      .map { "\($0.property): \($0.value)\($0.isImportant ? " !important" : "")" }.joined(separator: "; ")
  }

  private func matches(_ selector: [StyleSheet.Part], _ tag: HTMLTag) -> Bool {
    guard let last = selector.last, last.matches(tag) else { return false }
    var ancestors = open[...]
    var isChild = last.isChild
    for part in selector.dropLast().reversed() {
      if isChild {
        guard let parent = ancestors.popLast(), part.matches(parent) else { return false }
      } else {
        guard let place = ancestors.lastIndex(where: { part.matches($0) }) else { return false }
        ancestors = ancestors[..<place]
      }
      isChild = part.isChild
    }
    return true
  }
}
