/// Where in an HTML document a piece of a template's text ends: what a value that stands there would be part of.
///
/// A reduced form of the tokenizer of the HTML standard (https://html.spec.whatwg.org/multipage/parsing.html): it follows
/// text, tags, quoted values, comments and the elements whose content is not HTML. It refuses more than a browser would.
struct HTMLState: Equatable {
  enum Place: Equatable {
    case text
    /// After `<`.
    case tagOpen
    /// After `</`.
    case endTagOpen
    case tagName
    /// In a tag, before the next attribute.
    case beforeAttribute
    /// In a tag where branches met that had ended in different places: a space or the end of the tag must follow.
    case afterBranch
    case attributeName
    case afterAttributeName
    case beforeValue
    case doubleQuoted
    case singleQuoted
    case unquoted
    /// `<!…>`, `<?…>`, and the opening of a conditional comment.
    case declaration
    case comment
    /// The content of `script`, `style` and others, up to their end tag.
    case rawText
    /// The content of `title` and `textarea`, in which characters can be escaped.
    case escapableText
  }

  var place = Place.text
  /// The element whose tag is open, or whose raw content this is, in lower case.
  var element: [UInt8] = []
  var isEndTag = false
  /// The attribute whose name is read, or whose value this is.
  var attribute: [UInt8] = []
  var url: URLPosition?
  /// What is wrong with the text, whatever values there are.
  var mistake: String?
  /// In raw content, how much of `</name` has been seen; in a comment, how many hyphens.
  var matched = 0
  /// In `title` and `textarea`, whether there is text that is a tag where these elements are SVG's.
  var hasTag = false
  /// In `meta`, whether it is an instruction to the browser, and whether a value stands in its content.
  var directive = MetaDirective()
  /// In a script, what has been seen on this line and before.
  var script = ScriptLine()
  /// In a declaration, its first characters.
  var head: [UInt8] = []

  init() {}

  init(_ start: StartContext) {
    switch start {
    case .text: break
    case .doubleQuoted: place = .doubleQuoted
    case .singleQuoted: place = .singleQuoted
    }
  }

  // MARK: Text

  mutating func advance(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { advance(byte) }
  }

  private mutating func advance(_ byte: UInt8) {
    switch place {
    case .text: if byte == UInt8(ascii: "<") { place = .tagOpen }
    case .tagOpen: openTag(byte)
    case .endTagOpen: openEndTag(byte)
    case .tagName: if endsName(byte) { afterName(byte) } else { element.append(byte.lowercased) }
    case .beforeAttribute, .afterBranch: beforeAttribute(byte)
    case .attributeName: attributeName(byte)
    case .afterAttributeName: afterAttributeName(byte)
    case .beforeValue: beforeValue(byte)
    case .doubleQuoted: if byte == ASCII.quote { endValue() } else { advanceURL(byte) }
    case .singleQuoted: if byte == ASCII.apostrophe { endValue() } else { advanceURL(byte) }
    case .unquoted: if byte.isHTMLSpace { endValue() } else if byte == UInt8(ascii: ">") { closeTag() }
    case .declaration: declaration(byte)
    case .comment: comment(byte)
    case .rawText, .escapableText: rawText(byte)
    }
  }

  private mutating func advanceURL(_ byte: UInt8) {
    url?.advance(byte)
    if url?.endsDynamicScheme == true { mistake = "a value cannot be the scheme of a URL; write the scheme" }
  }

  private mutating func openTag(_ byte: UInt8) {
    if byte == UInt8(ascii: "/") {
      place = .endTagOpen
    } else if byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?") {
      place = .declaration
      head = [byte]
    } else if byte.isLetter {
      beginTag(byte, isEnd: false)
    } else if byte != UInt8(ascii: "<") {
      place = .text
    }
  }

  private mutating func openEndTag(_ byte: UInt8) {
    if byte.isLetter {
      beginTag(byte, isEnd: true)
    } else if byte == UInt8(ascii: ">") {
      enterText()
    } else {
      place = .declaration
      head = []
    }
  }

  private mutating func beginTag(_ byte: UInt8, isEnd: Bool) {
    place = .tagName
    element = [byte.lowercased]
    isEndTag = isEnd
    attribute = []
  }

  private func endsName(_ byte: UInt8) -> Bool {
    byte.isHTMLSpace || byte == UInt8(ascii: "/") || byte == UInt8(ascii: ">")
  }

  private mutating func afterName(_ byte: UInt8) {
    if byte == UInt8(ascii: ">") { closeTag() } else { place = .beforeAttribute }
  }

  private mutating func beforeAttribute(_ byte: UInt8) {
    if endsName(byte) { return afterName(byte) }
    place = .attributeName
    attribute = [byte.lowercased]
  }

  private mutating func attributeName(_ byte: UInt8) {
    if byte == UInt8(ascii: "=") {
      place = .beforeValue
    } else if byte.isHTMLSpace {
      place = .afterAttributeName
    } else if endsName(byte) {
      afterName(byte)
    } else {
      attribute.append(byte.lowercased)
    }
  }

  private mutating func afterAttributeName(_ byte: UInt8) {
    if byte.isHTMLSpace { return }
    if byte == UInt8(ascii: "=") { place = .beforeValue } else { beforeAttribute(byte) }
  }

  private mutating func beforeValue(_ byte: UInt8) {
    if byte.isHTMLSpace { return }
    if byte == UInt8(ascii: ">") { return closeTag() }
    url = HTMLAttribute.kind(attribute, of: element) == .url ? URLPosition() : nil
    if element == Array("meta".utf8), attribute == Array("http-equiv".utf8) {
      directive.isThere = true
      mistake = mistake ?? directive.mistake
    }
    switch byte {
    case ASCII.quote: place = .doubleQuoted
    case ASCII.apostrophe: place = .singleQuoted
    default: place = .unquoted
    }
  }

  private mutating func endValue() {
    place = .beforeAttribute
    attribute = []
    url = nil
  }

  private mutating func closeTag() {
    place = .text
    url = nil
    attribute = []
    guard !isEndTag else { return enterText() }
    switch String(decoding: element, as: UTF8.self) {
    case "script", "style", "xmp", "iframe", "noembed", "noframes", "plaintext": place = .rawText
    case "title", "textarea": place = .escapableText
    default: enterText()
    }
  }

  /// Back to text, where nothing of what was before counts.
  private mutating func enterText() {
    let found = mistake
    self = HTMLState()
    mistake = found
  }

  /// `<!` with something after it: a comment if that is `--`, of Outlook if that is `--[if`.
  private mutating func declaration(_ byte: UInt8) {
    if byte == UInt8(ascii: ">") { return enterText() }
    if head.count < 3 { head.append(byte) }
    if head == Array("!--".utf8) {
      place = .comment
      // A comment that is closed at once is `<!-->` or `<!--->`.
      matched = 2
      head = []
    }
  }

  private mutating func comment(_ byte: UInt8) {
    if head.count < 3 {
      head.append(byte)
      // What stands in a conditional comment is HTML to Outlook, so it is treated as HTML.
      if head == Array("[if".utf8) {
        place = .declaration
        return
      }
    }
    switch byte {
    case ASCII.dash: matched = min(matched + 1, 2)
    case UInt8(ascii: "!") where matched == 2: break
    case UInt8(ascii: ">") where matched == 2: enterText()
    default: matched = 0
    }
  }

  private mutating func rawText(_ byte: UInt8) {
    script.advance(byte)
    if script.hidesItsEnd, element == Array("script".utf8) {
      mistake = "a script with '<!--' and '<script' does not end at its end tag; write '\\x3C' for one of the '<'"
    }
    if matched == 1, byte.isLetter || byte == UInt8(ascii: "!") { hasTag = true }
    let count = element.count + 2
    if matched == count {
      if endsName(byte) {
        isEndTag = true
        afterName(byte)
        return
      }
      matched = 0
    }
    let expected = matched == 0 ? UInt8(ascii: "<") : matched == 1 ? UInt8(ascii: "/") : element[matched - 2]
    if byte.lowercased == expected {
      matched += 1
    } else {
      matched = byte == UInt8(ascii: "<") ? 1 : 0
    }
  }
}

/// What makes of a `meta` element an instruction to the browser, such as to go elsewhere.
struct MetaDirective: Equatable {
  /// Whether it has `http-equiv`.
  var isThere = false
  /// Whether a value stands in `content`.
  var hasValue = false

  /// That both are the case.
  var mistake: String? {
    isThere && hasValue ? "a value cannot stand in a <meta> with 'http-equiv'; write its 'content' without values" : nil
  }

  mutating func join(_ other: MetaDirective) {
    isThere = isThere || other.isThere
    hasValue = hasValue || other.hasValue
  }
}
