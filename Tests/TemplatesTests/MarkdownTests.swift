import MainstayKernel
import MainstayTemplating
import MainstayTesting
import Testing

@testable import MainstayTemplates

/// Markdown as a source of pages: what data and links may do, and what the parser may cost.
@Suite struct MarkdownTests {
  private func html(_ source: String) throws -> String {
    try MarkdownPage.fragment(of: source, mostBytes: 1 << 20).html
  }

  @Test(arguments: [
    ("# Visit *one*\n\nText `a<b` & more", "<h1>Visit <em>one</em></h1>\n<p>Text <code>a&lt;b</code> &amp; more</p>\n"),
    ("- a\n- b\n", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"), ("3. a\n", "<ol start=\"3\">\n<li>a</li>\n</ol>\n"),
    ("- [x] done\n- [ ] open\n", "<ul>\n<li>☑ done</li>\n<li>☐ open</li>\n</ul>\n"),
    (
      "| a | b |\n|---|--:|\n| 1 | 2 |\n",
      "<table>\n<thead>\n<tr><th>a</th><th style=\"text-align:right\">b</th></tr>\n</thead>\n"
        + "<tbody>\n<tr><td>1</td><td style=\"text-align:right\">2</td></tr>\n</tbody>\n</table>\n"
    ),
    ("> **bold** ~~gone~~\n", "<blockquote>\n<p><strong>bold</strong> <del>gone</del></p>\n</blockquote>\n"),
    ("```swift\nlet a = \"<\"\n```\n", "<pre><code>let a = &quot;&lt;&quot;\n</code></pre>\n"),
    ("a  \nb\n\n---\n", "<p>a<br>\nb</p>\n<hr>\n"), ("&eacute; &lt; &#x41;\n", "<p>&eacute; &lt; &#x41;</p>\n"),
    (
      "[a](https://b.org/?c=d&e \"t \\\"q\\\"\")\n",
      "<p><a href=\"https://b.org/?c=d&amp;e\" title=\"t &quot;q&quot;\">a</a></p>\n"
    ),
    ("![an *old* ![inner](x)](a.png)\n", "<p><img src=\"a.png\" alt=\"an old inner\"></p>\n"),
    ("a\u{0}b\n", "<p>a\u{FFFD}b</p>\n"), ("", ""),
  ])
  func becomesHTML(_ source: String, _ expected: String) throws {
    #expect(try html(source) == expected)
  }

  @Test(arguments: [
    "<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "<iframe src=\"a\">\n\ntext", "<!-- a -->",
    "<b\nc>",
    "<style>*{}</style>", "<?php ?>", "<![CDATA[a]]>", "</p><script>",
  ])
  func markupOfTheSourceIsText(_ source: String) throws {
    let result = try html(source)
    #expect(!result.contains("<s") && !result.contains("<i") && !result.contains("<!") && !result.contains("<?"))
    #expect(!result.contains("<b\n"))
    #expect(result.contains("&lt;"))
  }

  @Test(arguments: [
    "[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))", "[a](java&#115;cript:alert(1))",
    "[a](javascript&colon;alert(1))", "[a](&#x6A;avascript:alert(1))", "[a](data:text/html,b)", "[a](vbscript:b)",
    "<javascript:alert(1)>", "[a][b]\n\n[b]: javascript:alert(1)", "![a](javascript:alert(1))", "[a](<\tjavascript:b>)",
    "![a](data:text/html;base64,b)", "[a](file:///etc/passwd)", "[a](\u{1}javascript:b)",
  ])
  func linksThatCouldRunSomethingLoseTheirAddress(_ source: String) throws {
    let result = try html(source)
    #expect(!result.contains("href") && !result.contains("src="), "\(result)")
  }

  @Test(arguments: [
    "[a](b&quot;onclick=&quot;c)", "[a](b \"c&quot; onclick=&quot;\")", "![a\" onerror=\"b](c)", "[a](<b\"c>)",
  ])
  func attributesStayClosed(_ source: String) throws {
    for token in HTMLToken.tokens(of: try html(source)) {
      guard case .start(let tag) = token else { continue }
      #expect(tag.attributes.allSatisfy { ["href", "src", "alt", "title"].contains($0.name) }, "\(tag.source)")
    }
  }

  /// What data brings is text, whatever it looks like.
  @Test(arguments: [
    "# a", "- a", "+ a", "1. a", "1) a", "> a", "***", "---", "===", "a\n===", "    a", "\ta", "a\n\nb", "a | b", "*a*",
    "_a_",
    "**a**", "`a`", "~~a~~", "```\na", "[a](b)", "![a](b)", "[a]: b", "<a>", "&copy;", "\\*a\\*", "a  \nb",
    "<https://a.org>",
    "- [x] a", "a\r\n- b", "|a|\n|-|", "{a}", "12.5", "2026-03-01", "a-b #c", "(a)",
  ])
  func valuesAreText(_ value: String) throws {
    let template = try Template(
      "{{x}}\n\n- {{x}}\n\n| h |\n|---|\n| {{x}} |\n", options: TemplateOptions(output: .markdown))
    let result = try html(try template.render(["x": .string(value)]))
    let words = value.split { $0.isWhitespace || $0 == "\r\n" }.joined(separator: " ")
    let text = HTMLEntities.escaped(words)
    #expect(
      result == "<p>\(text)</p>\n<ul>\n<li>\(text)</li>\n</ul>\n<table>\n<thead>\n<tr><th>h</th></tr>\n</thead>\n"
        + "<tbody>\n<tr><td>\(text)</td></tr>\n</tbody>\n</table>\n")
  }

  @Test func sizeDepthAndTimeAreLimited() {
    func mistake(_ source: String, _ most: Int = 1 << 20, _ isOver: Bool = false) -> MarkdownPage.Mistake? {
      do throws(MarkdownPage.Mistake) {
        _ = try MarkdownPage.fragment(of: source, mostBytes: most, isTimeOver: { isOver })
        return nil
      } catch {
        return error
      }
    }
    #expect(mistake(String(repeating: ">", count: 1000)) == .tooDeep)
    #expect(mistake(String(repeating: "a", count: 1000), 100) == .tooLong)
    #expect(mistake(String(repeating: "&", count: 600), 1000) == .tooLong)
    #expect(mistake(String(repeating: "*a* ", count: 1000), 1 << 20, true) == .timedOut)
    #expect(mistake(String(repeating: "*a* ", count: 1000)) == nil)
  }

  @Test func neverTraps() {
    let pieces = [
      "#", " ", "\n", "*", "_", "`", "~~", "[", "]", "(", ")", "<", ">", "!", "|", "-", "a", "é", "\u{0}", "&amp;",
      "&#0;", "1.",
      "\\", "```\n", "\t", "    ", "[a]: b\n", "- [x] ", "|-|\n", "\r\n", "\"", "'", "javascript:", "https://a",
    ]
    var random = SeededGenerator(seed: 5)
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 0...20, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
        .joined()
      guard let result = try? html(text) else { continue }
      for token in HTMLToken.tokens(of: result) {
        guard case .start(let tag) = token else { continue }
        if let url = tag["href"] ?? tag["src"] { #expect(TemplateURL.isSafe(url), "\(text)") }
        #expect(tag.attributes.allSatisfy { ["href", "src", "alt", "title", "style", "start"].contains($0.name) })
      }
    }
  }
}
