import Glibc
import MainstayTemplating
import MainstayTesting
import Testing

@testable import MainstayTemplates

/// Whatever a value is, the page has the same tags and attributes as with a harmless one, and no URL that runs anything.
@Suite struct StructureTests {
  private static let pieces = [
    "<p>", "</p>", "<a href=\"", "<a href='", "\">", "'>", "<b", ">", " title=\"", " x='", "\"", "'", " ", "=", "/",
    "text", "&",
    "&#", "&co", ":", "?", "<script>", "</script>", "<title>", "</title>", "<textarea>", "</textarea>", "<!--", "-->",
    "<svg>",
    "<style>", "</style>", "<meta ", " http-equiv=\"refresh\"", " content=\"", "<script src=\"https://a.org/",
    "<iframe src=\"",
    " onclick=\"", " style=\"", "{{a}}", "{{a}}", "{{a}}", "{{b}}", "{{json a}}", "\n{{json a}}\n", "{{> p}}", "java",
    "script", "\u{0B}",
    "{{#if a}}", "{{else}}", "{{/if}}", "<img src=\"", "<!DOCTYPE html>", "<!--[if mso]>", "<![endif]-->", "</", "<",
  ]
  private static let hostile = [
    "\"><script>alert(1)</script>", "' onx='y", " onx=y ", "--><b>", "</title><b>", "</textarea><b>", "</script><b>",
    "]]><b>",
    "javascript:alert(1)", "colon;alert(1)", "#58;alert(1)", "&quot;><b>", "`><b>", "\n<b>\n", "/>", "<!--", "<b",
    "=\"",
    "\\", "*/<b>", "data:text/html,<b>", "\"", "'", "x:y",
  ]

  /// Tags by name, with the names of their attributes.
  private func structure(_ html: String) -> [String] {
    HTMLToken.tokens(of: html).compactMap { token in
      switch token {
      case .start(let tag): ([tag.name] + tag.attributes.map(\.name)).joined(separator: " ")
      // Without a letter it is a comment.
      case .end(let name, _): name.first?.isLetter ?? false ? "/" + name : nil
      case .other, .text: nil
      }
    }
  }

  private func urls(_ html: String) -> [String] {
    HTMLToken.tokens(of: html).flatMap { token -> [String] in
      guard case .start(let tag) = token else { return [] }
      return [tag["href"], tag["src"]].compactMap { $0 }
    }
  }

  /// Whether a browser finds no scheme in a URL but a harmless one: it drops tabs and line ends, and blanks before.
  private func isSafe(_ url: String) -> Bool {
    let text = url.drop { $0.isWhitespace || $0.asciiValue ?? 33 < 33 }.filter { !"\t\n\r".contains($0) }
    let scheme = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
    guard scheme.first?.isLetter ?? false, text.dropFirst(scheme.count).first == ":" else { return true }
    return TemplateURL.isSafe(String(text))
  }

  @Test func valuesChangeNoTag() async throws {
    var random = SeededGenerator(seed: 23)
    let options = TemplateOptions(missing: .lenient)
    var rendered = 0
    let effort = max(getenv("MAINSTAY_FUZZ").flatMap { Int(String(cString: $0)) } ?? 1, 1)
    for round in 0..<60_000 * effort {
      if round % 32 == 0 { await Task.yield() }
      let text = (0..<Int.random(in: 1...9, using: &random)).map { _ in Self.pieces.randomElement(using: &random) ?? ""
      }
      .joined()
      let (set, _) = TemplateSet.compile([
        .init(name: "main", text: text, options: options),
        .init(name: "p", text: "{{a}}", options: options, isPartial: true),
      ])
      guard text.contains("{{"), let template = try? set.template("main") else { continue }
      let harmless = try template.render(["a": "x", "b": "x"])
      let (a, b) = (Self.hostile.randomElement(using: &random) ?? "", Self.hostile.randomElement(using: &random) ?? "")
      let page = try template.render(["a": .string(a), "b": .string(b)])
      rendered += 1
      #expect(structure(page) == structure(harmless), "\(text.debugDescription) with \(a), \(b)")
      if urls(harmless).allSatisfy(isSafe) {
        #expect(urls(page).allSatisfy(isSafe), "\(text.debugDescription) with \(a), \(b)")
      }
    }
    print("structure: \(60_000 * effort) templates, \(rendered) rendered")
    #expect(rendered > 5000)
  }
}
