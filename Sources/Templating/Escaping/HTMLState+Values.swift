extension HTMLState {
  /// How a value is escaped that stands here, and what that does to the state; an error where nothing makes it safe.
  mutating func interpolate(isJSON: Bool, isRaw: Bool) throws(TemplateError) -> EscapeMode {
    switch place {
    case .text: return isRaw ? .raw : .html
    case .escapableText:
      guard !hasTag else {
        throw refused("a value cannot stand after a tag in <\(elementText)>", "write &lt; for the < of the tag")
      }
      return .attribute
    case .comment:
      matched = 0
      if isRaw { throw refused("{{{…}}} cannot stand in a comment", "write {{…}}") }
      return .comment
    case .doubleQuoted, .singleQuoted:
      if isRaw { throw refused("{{{…}}} cannot stand in an attribute", "write {{…}}") }
      return try interpolateValue()
    case .unquoted, .beforeValue:
      throw refused("the value of '\(attributeText)' is not quoted", "put quotes around it: \(attributeText)=\"{{…}}\"")
    case .rawText: return try interpolateRaw(isJSON: isJSON)
    case .tagOpen, .endTagOpen, .tagName:
      throw refused("a value cannot be the name of an element", "choose between elements with {{#if}}")
    case .beforeAttribute, .afterBranch, .attributeName, .afterAttributeName:
      throw refused(
        "a value cannot be the name of an attribute", "write the attribute, and choose with {{#if}} whether it is there"
      )
    case .declaration: throw refused("a value cannot stand in <!…>", "move it out")
    }
  }

  private mutating func interpolateValue() throws(TemplateError) -> EscapeMode {
    switch HTMLAttribute.kind(attribute, of: element) {
    case .plain:
      guard element == Array("meta".utf8), attribute == Array("content".utf8) else { return .attribute }
      directive.hasValue = true
      if let mistake = directive.mistake { throw TemplateError(.context, mistake) }
      return .attribute
    case .url: return try interpolateURL()
    case .script:
      throw refused(
        "a value cannot stand in '\(attributeText)', which is a script",
        "put it into a data- attribute and read it from the script")
    case .style:
      throw refused("a value cannot stand in a style", "choose between classes with {{#if}}")
    case .unsupported:
      throw refused("a value cannot stand in '\(attributeText)'", "write it without values")
    }
  }

  private mutating func interpolateURL() throws(TemplateError) -> EscapeMode {
    guard var position = url else { return .url }
    defer { url = position }
    let choosesOrigin = !position.fixesOrigin
    switch position.interpolate() {
    case .some(let mode):
      if choosesOrigin, HTMLAttribute.loadsCode(attribute, of: element) {
        throw refused(
          "a value cannot choose from where '\(attributeText)' of <\(elementText)> is loaded",
          "write the address, up to its path"
        )
      }
      return mode
    case nil:
      throw refused("a value cannot stand in this URL", "begin it with https:, mailto:, tel: or a path")
    }
  }

  private func interpolateRaw(isJSON: Bool) throws(TemplateError) -> EscapeMode {
    guard element == Array("script".utf8) else {
      throw refused("a value cannot stand in <\(elementText)>", "choose between classes or elements with {{#if}}")
    }
    guard isJSON else {
      throw refused("a value cannot stand in a script", "write {{json …}}, which makes a literal of it")
    }
    guard script.isPlain else {
      throw refused(
        "{{json …}} cannot stand in a text, a comment or a regular expression of a script",
        "give it a line of its own: const data = {{json …}};")
    }
    return .script
  }

  private var attributeText: String { String(decoding: attribute, as: UTF8.self) }
  private var elementText: String { String(decoding: element, as: UTF8.self) }

  private func refused(_ what: String, _ remedy: String) -> TemplateError {
    TemplateError(.context, "\(what); \(remedy)")
  }

  // MARK: Partials and branches

  /// Where a partial or an overridable part that stands here begins.
  var start: StartContext? {
    switch place {
    case .text: .text
    case .doubleQuoted where HTMLAttribute.kind(attribute, of: element) == .plain: .doubleQuoted
    case .singleQuoted where HTMLAttribute.kind(attribute, of: element) == .plain: .singleQuoted
    default: nil
    }
  }

  /// The state after two branches, or nil if they end in different places.
  static func join(_ left: HTMLState, _ right: HTMLState) -> HTMLState? {
    if left == right { return left }
    if left.isInTag, right.isInTag, left.element == right.element, left.isEndTag == right.isEndTag {
      var state = left
      state.place = .afterBranch
      state.attribute = []
      state.directive.join(right.directive)
      state.mistake = left.mistake ?? right.mistake ?? state.directive.mistake
      return state
    }
    var (one, other) = (left, right)
    one.directive.join(other.directive)
    other.directive = one.directive
    one.hasTag = one.hasTag || other.hasTag
    other.hasTag = one.hasTag
    one.mistake = one.mistake ?? other.mistake ?? one.directive.mistake
    other.mistake = one.mistake
    if let first = one.url, let second = other.url {
      guard let url = URLPosition.join(first, second) else { return nil }
      one.url = url
      other.url = url
    }
    one.script.join(other.script)
    other.script = one.script
    one.matched = max(one.matched, other.matched)
    other.matched = one.matched
    return one == other ? one : nil
  }

  private var isInTag: Bool {
    switch place {
    case .tagName, .beforeAttribute, .afterBranch, .attributeName, .afterAttributeName: true
    default: false
    }
  }

  /// What has to be true of the text that follows a place where branches met; the message if it is not.
  func objection(to byte: UInt8) -> String? {
    guard place == .afterBranch, !byte.isHTMLSpace, byte != UInt8(ascii: ">"), byte != UInt8(ascii: "/") else {
      return nil
    }
    return "the parts of this block end in different places of a tag; a space must follow it"
  }

  /// The place in words, for messages.
  var description: String {
    switch place {
    case .text: "text"
    case .doubleQuoted, .singleQuoted: "the value of '\(attributeText)'"
    case .rawText, .escapableText: "<\(elementText)>"
    case .comment: "a comment"
    case .declaration: "<!…>"
    default: "the tag <\(elementText)>"
    }
  }
}
