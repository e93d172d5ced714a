import Testing

@testable import MainstayTemplates

/// Pages become mail: styles inline, a text beside the HTML.
@Suite struct MailTests {
  @Test(arguments: [
    ("<style>p { color: red }</style><p>a</p>", "<p style=\"color: red\">a</p>"),
    ("<style>.a{color:red}p{color:blue}</style><p class='x a'>a", "<p class=\"x a\" style=\"color: red\">a"),
    ("<style>p{color:red}</style><p style=\"color: blue; margin:0\">", "<p style=\"color: blue; margin: 0\">"),
    ("<style>p{color:red !important}</style><p style=\"color: blue\">", "<p style=\"color: red !important\">"),
    ("<style>div > p{a:b}</style><div><b><p></b></div><div><p>", "<div><b><p></b></div><div><p style=\"a: b\">"),
    ("<style>table td{a:b}</style><table><tr><td></table><td>", "<table><tr><td style=\"a: b\"></table><td>"),
    ("<style>#x{a:b}.y{a:c}</style><p id=x class=y>", "<p id=\"x\" class=\"y\" style=\"a: b\">"),
    ("<style>p{font-family:\"A B\"}</style><p>", "<p style=\"font-family: &quot;A B&quot;\">"),
    ("<p title=\"a>b\">no styles</p>", "<p title=\"a>b\">no styles</p>"),
    ("<style media=print>p{a:b}</style><p>", "<style media=print>p{a:b}</style><p>"),
  ])
  func stylesAreWrittenIntoElements(_ html: String, _ expected: String) {
    #expect(StyleInliner.inlined(html) == expected)
  }

  @Test func whatElementsCannotSayStays() throws {
    let html = "<head><style>p{a:b} a:hover{c:d} @media (x) { p { e: f !important } } @font-face{g:h}</style></head><p>"
    let inlined = try #require(StyleInliner.inlined(html))
    #expect(inlined.contains("<p style=\"a: b\">"))
    #expect(inlined.contains("a:hover {c:d}"))
    #expect(inlined.contains("@media (x) { p { e: f !important } }"))
    #expect(inlined.contains("@font-face {g:h}"))
    #expect(!inlined.contains("p {a:b}"))
  }

  @Test(arguments: [
    ("<h1>A</h1><p>b  c\n d</p>", "A\n\nb c d\n", "# A\n\nb c d\n"),
    ("<p>x<br>y</p>", "x\ny\n", "x\\\ny\n"), ("<ul><li>a</li><li>b</li></ul>", "- a\n- b\n", "- a\n- b\n"),
    ("<ol><li>a<li>b</ol>", "1. a\n2. b\n", "1. a\n2. b\n"),
    ("<a href=\"https://x.org\">here</a>", "here <https://x.org>\n", "[here](https://x.org)\n"),
    ("<a href=\"https://x.org\">https://x.org</a>", "https://x.org\n", "[https://x.org](https://x.org)\n"),
    (
      "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a  b\nc\n",
      "|  |  |\n| --- | --- |\n| a | b |\n| c |\n"
    ),
    (
      "<head><title>t</title><style>p{}</style></head><p>a &amp; b &lt;c&gt; &#169;</p>", "a & b <c> ©\n",
      "a & b \\<c\\> ©\n"
    ),
    ("<div style=\"display: none\">hidden<b>x</b></div><p>seen</p>", "seen\n", "seen\n"),
    (
      "<img alt=\"a ](javascript:b) *c*\" src=\"x y(1).png\">", "[a ](javascript:b) *c*]\n",
      "![a \\](javascript:b) \\*c\\*](x%20y%281%29.png)\n"
    ),
    ("<a href=\"javascript:a()\">b</a>", "b <javascript:a()>\n", "[b]()\n"),
    (
      "<table><thead><tr><th>a<th colspan=2>b|c</thead><tr><td><p>1</p><p>2</p><td><td>3</table><p>d",
      "a  b|c\n\n1\n\n2\n\n    3\n\nd\n", "| a | b\\|c | |\n| --- | --- | --- |\n| 1 2 |  | 3 |\n\nd\n"
    ),
    ("<div style=\"display:none\"><p>a<p>b</div><p>seen", "seen\n", "seen\n"),
    ("<p hidden>a<p>seen", "seen\n", "seen\n"), ("<head><title>a</title><body>seen", "seen\n", "seen\n"),
    ("<div hidden><div>a</div>b</div>seen", "seen\n", "seen\n"),
    ("<ul><li><p>a</p><p>b</p><li><ul><li>c</ul></ul>", "- a\n\nb\n\n-\n  - c\n", "- a\n\n    b\n\n-\n    - c\n"),
    ("<blockquote><p>a</p><p>b</p></blockquote>c", "a\n\nb\n\nc\n", "> a\n>\n> b\n\nc\n"),
    ("<pre># a\n*b* <b>c</b></pre>", "# a\n*b* c\n", "    # a\n    *b* c\n"),
    ("<div>a</div><div>b</div>", "a\nb\n", "a\n\nb\n"),
    ("a<b unfinished=\"> c", "a\n", "a\n"),
    ("<p>a <strong>b</strong> c</p>", "a b c\n", "a **b** c\n"), ("<script>if (a < b) {}</script>x", "x\n", "x\n"),
  ])
  func textsAreDerived(_ html: String, _ text: String, _ markdown: String) {
    #expect(TextAlternative.text(of: html) == text)
    #expect(TextAlternative.markdown(of: html) == markdown)
  }

  @Test func nothingTrapsOnBrokenPages() {
    for html in [
      "<", "<a", "<a href", "<a href=", "<a href='", "</", "<!--", "<style>", "<style>p{", "<style>}{", "<p style=>",
      "&#;", "&#x110000;", "<li>", "</li></ul>", "<a ===>",
    ] {
      #expect(!HTMLToken.tokens(of: html).isEmpty)
      _ = StyleInliner.inlined(html)
      _ = TextAlternative.text(of: html)
      #expect(HTMLToken.tokens(of: html).map(\.source).joined() == html)
    }
  }

  /// Work that grows with the square of the page would never end here.
  @Test(arguments: [
    "<a", "<a \"", "<p>", "</x>", "<!--", "<style>", "<a href='", "&", "<", "<ul><li>a", "<blockquote>a",
    "<table><tr><td>a",
    "<div hidden>", "<pre>a\n", "<li><p>",
  ])
  func workGrowsWithThePage(_ piece: String) async {
    let html = "<style>p b{c:d}</style>" + String(repeating: piece, count: 20_000)
    #expect(StyleInliner.inlined(html)?.isEmpty == false)
    await Task.yield()  // Other tests have deadlines.
    _ = TextAlternative.text(of: html)
    await Task.yield()
    _ = TextAlternative.markdown(of: html)
    await Task.yield()
    _ = PrintedPage.restricted(html)
  }

  @Test func inliningEndsWhenTheTimeIsOver() {
    let html = "<style>p{a:b}</style>" + String(repeating: "<p>", count: 1000)
    var looks = 0
    let inlined = StyleInliner.inlined(html) {
      looks += 1
      return looks > 3
    }
    #expect(inlined == nil && looks == 4)
  }

  /// What a page shows is the same when it is read as Markdown again.
  @Test(arguments: [
    "# a", "- a", "+ a", "1. a", "1) a", "12) a", "> a", "***", "---", "===", "a | b", "*a*", "_a_", "`a`", "~~a~~",
    "[a](b)",
    "![a](b)", "[a]: b", "&copy;", "a & b", "\\*a", "|a|", "12.5", "2026-03-01", "a-b #c", "~~~", "- [x] a", "    a",
  ])
  func textStaysText(_ text: String) throws {
    let escaped = HTMLEntities.escaped(text)
    let shown = HTMLEntities.escaped(FrontMatter.trimmed(text))
    func page(_ html: String) throws -> String {
      try MarkdownPage.fragment(of: TextAlternative.markdown(of: html), mostBytes: 1 << 20).html
    }
    #expect(try page("<p>\(escaped)</p>") == "<p>\(shown)</p>\n")
    #expect(try page("<p>x<br>\(escaped)</p>") == "<p>x<br>\n\(shown)</p>\n")
    #expect(try page("<ul><li>\(escaped)</li></ul>") == "<ul>\n<li>\(shown)</li>\n</ul>\n")
    #expect(try page("<blockquote>\(escaped)</blockquote>") == "<blockquote>\n<p>\(shown)</p>\n</blockquote>\n")
    #expect(try page("<table><tr><th>\(escaped)</table>").contains("<tr><th>\(shown)</th></tr>"))
  }
}
