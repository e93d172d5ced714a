/// The names of a new plugin, all made from one: `PDFReports` gives the module `PDFReportsPlugin`, the plugin
/// `pdf_reports` and the package `pdf-reports-plugin`.
struct PluginName: Equatable {
  /// What was given, without `Plugin` at its end.
  let base: String

  init(_ text: String) throws(ScaffoldError) {
    let base = text.hasSuffix("Plugin") && text != "Plugin" ? String(text.dropLast("Plugin".count)) : text
    self.base = base
    guard base.isUpperCamel else {
      let proposal = text.upperCamel
      throw ScaffoldError(
        "'\(text)' is not a name for a plugin; write it in UpperCamelCase with letters and digits"
          + (proposal.isUpperCamel ? ": \(proposal)" : ""))
    }
    guard base.count <= 60 else { throw ScaffoldError("'\(text)' is longer than 60 characters; choose a shorter name") }
    if let reason = reservation { throw ScaffoldError("'\(text)' cannot be the name of a plugin: \(reason)") }
  }

  /// The module, and the type in it.
  var module: String { base + "Plugin" }
  /// The key in `host.yaml`.
  var plugin: String { words.joined(separator: "_") }
  /// The package and its folder.
  var package: String { words.joined(separator: "-") + "-plugin" }
  /// The name for people: `PDF reports`.
  var topic: String { words.joined(separator: "-") }

  private var words: [String] { base.camelWords.map { $0.lowercased() } }

  private var reservation: String? {
    if base.hasPrefix("Mainstay") { return "modules that begin with 'Mainstay' are the project's own" }
    if StockPlugin.all.contains(where: { $0.name == plugin }) {
      return "Mainstay comes with a plugin '\(plugin)', and a host may link both"
    }
    let reserved = ["kernel", "host", "plugin", "plugins", "self", "type", "protocol", "any", "all", "main"]
    return reserved.contains(plugin) ? "the word is taken; say what the plugin does" : nil
  }
}

/// The name of a new host: of its package, its program and its folder.
struct HostName: Equatable {
  let text: String

  init(_ text: String) throws(ScaffoldError) {
    self.text = text
    let isWellFormed =
      text.utf8.allSatisfy { $0.isLowerLetter || $0.isDigit || $0 == UInt8(ascii: "-") }
      && text.utf8.first?.isLowerLetter == true && !text.hasSuffix("-") && !text.contains("--") && text.count <= 60
    guard isWellFormed else {
      throw ScaffoldError(
        "'\(text)' is not a name for a host; write lower-case letters, digits and single hyphens: clinic-host")
    }
    guard !["mainstay", "main", "swift", "test"].contains(text) else {
      throw ScaffoldError("'\(text)' cannot be the name of a host: the word is taken; choose another, as clinic-host")
    }
  }
}

extension String {
  /// Letters and digits of ASCII, beginning with an upper-case letter.
  fileprivate var isUpperCamel: Bool {
    utf8.first?.isUpperLetter == true && utf8.allSatisfy { $0.isUpperLetter || $0.isLowerLetter || $0.isDigit }
  }

  /// The nearest UpperCamelCase: `pdf-reports` → `PdfReports`.
  fileprivate var upperCamel: String {
    split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
      .map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  /// `PDFReports2` → `PDF`, `Reports2`. A word begins at an upper-case letter that follows a lower-case one or a digit,
  /// or that a lower-case letter follows.
  fileprivate var camelWords: [String] {
    let letters = Array(self)
    var words: [String] = []
    for (index, letter) in letters.enumerated() {
      let afterLower = index > 0 && !letters[index - 1].isUppercase
      let beforeLower = index + 1 < letters.count && letters[index + 1].isLowercase
      if words.isEmpty || (letter.isUppercase && (afterLower || beforeLower)) {
        words.append(String(letter))
      } else {
        words[words.count - 1].append(letter)
      }
    }
    return words
  }
}

extension UInt8 {
  fileprivate var isLowerLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
  fileprivate var isUpperLetter: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
  fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
