/// The rules of a `<style>` element that can be written into elements, and what must stay in it.
struct StyleSheet {
  /// One part of a selector: an element, its id and classes, and how it relates to the part before.
  struct Part: Equatable {
    var element: String?
    var id: String?
    var classes: [String] = []
    var isChild = false

    func matches(_ tag: HTMLTag) -> Bool {
      if let element, element != tag.name { return false }
      if let id, id != tag["id"] { return false }
      guard !classes.isEmpty else { return true }
      let own = Set((tag["class"] ?? "").split(whereSeparator: \.isWhitespace).map(String.init))
      return classes.allSatisfy(own.contains)
    }
  }

  struct Declaration: Equatable {
    let property: String
    let value: String
    let isImportant: Bool
  }

  struct Rule {
    let selector: [Part]
    let declarations: [Declaration]
    /// Ids, classes, elements: the more, the stronger (CSS Selectors, section 17).
    var specificity: [Int] {
      [
        selector.count { $0.id != nil }, selector.reduce(0) { $0 + $1.classes.count },
        selector.count { $0.element != nil },
      ]
    }
  }

  private(set) var rules: [Rule] = []
  /// Media queries, fonts, and selectors with states: what an element's own style cannot say.
  private(set) var remainder = ""

  /// Adds the content of a `<style>` element.
  mutating func add(_ text: String) {
    var rest = Substring(Self.withoutComments(text))
    while let brace = rest.firstIndex(where: { $0 == "{" || $0 == ";" }) {
      let head = Self.trimmed(rest[..<brace])
      if rest[brace] == ";" {
        // `@import` and `@charset` have no block.
        remainder += head + ";\n"
        rest = rest[rest.index(after: brace)...]
        continue
      }
      let end = Self.endOfBlock(rest, from: brace)
      let body = rest[rest.index(after: brace)..<end]
      if head.hasPrefix("@") {
        remainder += "\(head) {\(body)}\n"
      } else {
        add(head, String(body))
      }
      rest = end < rest.endIndex ? rest[rest.index(after: end)...] : ""
    }
  }

  private mutating func add(_ selectors: String, _ body: String) {
    let declarations = Self.declarations(body)
    var kept: [String] = []
    for selector in selectors.split(separator: ",") {
      if let parts = Self.parts(of: Self.trimmed(selector)) {
        rules.append(Rule(selector: parts, declarations: declarations))
      } else {
        kept.append(Self.trimmed(selector))
      }
    }
    if !kept.isEmpty { remainder += "\(kept.joined(separator: ", ")) {\(body)}\n" }
  }

  // MARK: Reading

  private static func withoutComments(_ text: String) -> String {
    var result = ""
    var rest = Substring(text)
    while let start = rest.firstRange(of: "/*") {
      result += rest[..<start.lowerBound]
      guard let end = rest[start.upperBound...].firstRange(of: "*/") else { return result }
      rest = rest[end.upperBound...]
    }
    return result + rest
  }

  private static func endOfBlock(_ text: Substring, from brace: Substring.Index) -> Substring.Index {
    var depth = 0
    var index = brace
    while index < text.endIndex {
      if text[index] == "{" { depth += 1 }
      if text[index] == "}" {
        depth -= 1
        if depth == 0 { return index }
      }
      index = text.index(after: index)
    }
    return text.endIndex
  }

  static func declarations(_ text: String) -> [Declaration] {
    text.split(separator: ";").compactMap { declaration in
      guard let colon = declaration.firstIndex(of: ":") else { return nil }
      let property = trimmed(declaration[..<colon]).lowercased()
      var value = trimmed(declaration[declaration.index(after: colon)...])
      let isImportant = value.lowercased().hasSuffix("!important")
      if isImportant { value = trimmed(value.dropLast(10)) }
      return property.isEmpty || value.isEmpty
        ? nil : Declaration(property: property, value: value, isImportant: isImportant)
    }
  }

  /// Elements, classes and ids, descendants and children; nil for everything else, such as states.
  static func parts(of selector: String) -> [Part]? {
    var parts: [Part] = []
    var isChild = false
    let spaced = selector.split(separator: ">", omittingEmptySubsequences: false).joined(separator: " > ")
    for word in spaced.split(whereSeparator: \.isWhitespace) {
      if word == ">" {
        isChild = true
        continue
      }
      guard var part = part(word) else { return nil }
      part.isChild = isChild
      isChild = false
      parts.append(part)
    }
    return parts.isEmpty || isChild ? nil : parts
  }

  private static func part(_ word: Substring) -> Part? {
    var part = Part()
    var rest = word
    if rest.first == "*" { rest.removeFirst() }
    while let first = rest.first {
      let isMarked = first == "." || first == "#"
      let name = (isMarked ? rest.dropFirst() : rest).prefix { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
      guard !name.isEmpty else { return nil }
      switch first {
      case ".": part.classes.append(String(name))
      case "#": part.id = String(name)
      default: part.element = name.lowercased()
      }
      rest = rest[name.endIndex...]
    }
    return part
  }

  private static func trimmed(_ text: some StringProtocol) -> String { FrontMatter.trimmed(text) }
}
