import MainstayTemplating
import MainstayTesting
import Testing

/// Values are escaped for the place where they stand, or the template is refused.
@Suite struct EscapingTests {
  private func html(_ source: String, _ value: TemplateValue) throws -> String {
    try Template(source).render(["x": value])
  }

  @Test(arguments: [
    ("<p>{{x}}</p>", "<b>&\"'", "<p>&lt;b&gt;&amp;&quot;&#x27;</p>"),
    ("<p title=\"{{x}}\">", "\" onclick=\"a", "<p title=\"&quot; onclick=&quot;a\">"),
    ("<p title='{{x}}'>", "' onclick='a", "<p title='&#x27; onclick=&#x27;a'>"),
    ("<title>{{x}}</title>", "</title><script>", "<title>&lt;/title&gt;&lt;script&gt;</title>"),
    ("<textarea>{{x}}</textarea>", "</textarea>", "<textarea>&lt;/textarea&gt;</textarea>"),
    ("<!-- {{x}} -->", "--><script>", "<!-- &#x2D;&#x2D;&gt;&lt;script&gt; -->"),
    ("<a href=\"{{x}}\">", "https://a.org/?b=c&d", "<a href=\"https://a.org/?b=c&amp;d\">"),
    ("<a href=\"{{x}}\">", "javascript:alert(1)", "<a href=\"#blocked-url\">"),
    ("<a href=\"{{x}}\">", "JaVaScRiPt:alert(1)", "<a href=\"#blocked-url\">"),
    ("<a href=\"{{x}}\">", " javascript:alert(1)", "<a href=\"#blocked-url\">"),
    ("<a href=\"{{x}}\">", "java\tscript:alert(1)", "<a href=\"#blocked-url\">"),
    ("<a href=\"{{x}}\">", "data:text/html,<script>", "<a href=\"#blocked-url\">"),
    ("<a href=\"{{x}}\">", "vbscript:a", "<a href=\"#blocked-url\">"),
    ("<a href=\"{{x}}\">", "&#106;avascript:a", "<a href=\"&amp;#106;avascript:a\">"),
    ("<a href=\"{{x}}\">", "/path with space/é", "<a href=\"/path%20with%20space/%C3%A9\">"),
    ("<a href='{{x}}'>", "a'b", "<a href='a%27b'>"),
    ("<a href=\"/p/{{x}}\">", "a/../b?c", "<a href=\"/p/a/../b?c\">"),
    ("<a href=\"/p?q={{x}}&r=1\">", "a&b=c d", "<a href=\"/p?q=a%26b%3Dc%20d&r=1\">"),
    ("<a href=\"mailto:{{x}}\">", "a@b.org", "<a href=\"mailto:a@b.org\">"),
    ("<a href=\"java{{x}}\">", "script:alert(1)", "<a href=\"javascript%3Aalert%281%29\">"),
    ("<a href=\"{{x}}{{x}}\">", "a:", "<a href=\"#blocked-urla%3A\">"),
    ("<img src=\"data:image/png;base64,{{x}}\">", "aGk+/w==", "<img src=\"data:image/png;base64,aGk+/w==\">"),
    ("<div data-url=\"{{x}}\">", "javascript:a", "<div data-url=\"#blocked-url\">"),
    ("<p>a < b {{x}}</p>", "<", "<p>a < b &lt;</p>"),
    (
      "<!--[if mso]><a href=\"{{x}}\"><![endif]-->", "javascript:a",
      "<!--[if mso]><a href=\"#blocked-url\"><![endif]-->"
    ),
    ("<p {{#if x}}class=\"y\"{{/if}}>{{x}}</p>", "<", "<p class=\"y\">&lt;</p>"),
    ("<tr{{#if x}} class=\"y\"{{else}} id=\"z\"{{/if}}><td>{{x}}", "<", "<tr class=\"y\"><td>&lt;"),
  ])
  func escapesForThePlace(_ source: String, _ value: String, _ expected: String) throws {
    #expect(try html(source, .string(value)) == expected)
  }

  @Test(arguments: [
    "<p class={{x}}>", "<p class=a{{x}}>", "<p {{x}}>", "<p {{x}}=\"a\">", "<p a{{x}}=\"a\">", "<{{x}}>", "</{{x}}>",
    "<p onclick=\"{{x}}\">", "<p ONCLICK='a({{x}})'>", "<p style=\"color: {{x}}\">", "<script>{{x}}</script>",
    "<SCRIPT>var a = '{{x}}'</SCRIPT>", "<style>{{x}}</style>", "<script>var a = \"{{json x}}\"</script>",
    "<script>// {{json x}}\n</script>", "<script>`{{json x}}`</script>", "<script>/* \n {{json x}} */</script>",
    "<script>a = \"\\\n{{json x}}\"</script>", "<script>`\n{{json x}}\n`</script>",
    "<a href=\"javascript:{{x}}\">", "<a href=\"java&#115;cript:{{x}}\">", "<a href=\"data:text/html,{{x}}\">",
    "<a href=\"{{x}}:alert(1)\">", "<img srcset=\"{{x}}\">", "<iframe srcdoc=\"{{x}}\">",
    "<script src=\"{{x}}\"></script>",
    "<iframe src=\"{{x}}\"></iframe>", "<base href=\"{{x}}\">", "<a href=\"{{{x}}}\">", "<p title=\"{{{x}}}\">",
    "<!DOCTYPE {{x}}>", "<p title=\"{{#if x}}\"{{/if}}>", "{{#each x}}<p title=\"{{/each}}", "<p title=\"a",
    "{{#if x}}<script>{{/if}}", "<p{{#if x}} a{{/if}}b>{{x}}", "{{#*inline \"a\"}}<p title=\"{{/inline}}",
    "<svg><animate to=\"{{x}}\"></svg>", "<iframe>{{x}}</iframe>",
  ])
  func refusesWhatCannotBeMadeSafe(_ source: String) {
    let error = #expect(throws: TemplateError.self) { try Template(source) }
    #expect(error?.code == .context)
    #expect(error?.locations.first?.line ?? 0 >= 1)
  }

  @Test func putsJSONIntoScripts() throws {
    let template = try Template("<script>\nconst a = {{json x}}, b = f({{json x.y}});\n</script><p>{{json x.y}}</p>")
    let text = try template.render(["x": ["y": "</script><!--&\u{2028}"]])
    let json = "\"\\u003C/script\\u003E\\u003C!--\\u0026\\u2028\""
    #expect(
      text
        == "<script>\nconst a = {\"y\":\(json)}, b = f(\(json));\n</script><p>&quot;\(json.dropFirst().dropLast())&quot;</p>"
    )
  }

  @Test func vouchedHTMLPassesOnlyInText() throws {
    let template = try Template("<p title=\"{{x}}\">{{x}}</p><a href=\"{{x}}\"></a>")
    #expect(
      try template.render(["x": .markup("<b>")]) == "<p title=\"&lt;b&gt;\"><b></p><a href=\"%3Cb%3E\"></a>")
  }

  @Test func partialsAreEscapedForTheirPlace() throws {
    let set = try TemplateSet([
      .init(name: "main", text: "<p title=\"{{> name}}\">{{> name}}</p>"),
      .init(name: "name", text: "{{x}}", isPartial: true),
    ])
    let text = try set.template("main").render(["x": .markup("<i>")])
    #expect(text == "<p title=\"&lt;i&gt;\"><i></p>")
    let (_, errors) = TemplateSet.compile([
      .init(name: "main", text: "<p title=\"{{> name}}\">"), .init(name: "name", text: "\">{{x}}", isPartial: true),
    ])
    #expect(errors.map(\.error.code) == [.context])
    #expect(errors.first?.error.locations.map(\.template) == ["name", "main"])
  }

  @Test func passedContentStaysInText() throws {
    let set = try TemplateSet([
      .init(name: "main", text: "{{#> layout}}{{{x}}}{{/layout}}"),
      .init(name: "layout", text: "<p title=\"{{> @partial-block}}\">", isPartial: true),
    ])
    let error = #expect(throws: TemplateError.self) { try set.template("main").render(["x": "\"><script>"]) }
    #expect(error?.code == .context)
  }

  // MARK: Other kinds of output

  @Test func headersAreOneLine() throws {
    let template = try Template("Results for {{x}}", options: TemplateOptions(output: .mailHeader))
    #expect(try template.render(["x": "Ada & <Co>"]) == "Results for Ada & <Co>")
    for end in ["\r\nBcc: a@b", "\n", "\r", "\0", "\u{2028}", "\u{85}"] {
      let error = #expect(throws: TemplateError.self) { try template.render(["x": .string("Ada" + end)]) }
      #expect(error?.code == .unsafeValue)
      #expect(error?.description.contains("Ada") == false)
    }
    #expect(throws: TemplateError.self) { try Template("a\n{{x}}", options: TemplateOptions(output: .mailHeader)) }
  }

  @Test(arguments: [
    ("a", "a"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("a\r\nb", "\"a\r\nb\""), ("=1+1", "\"'=1+1\""),
    ("-5.2", "-5.2"),
    ("-a", "\"'-a\""), ("@x", "\"'@x\""), (" a", "\" a\""), ("", ""), ("\t=1", "\"'\t=1\""),
  ])
  func fieldsCannotEndEarly(_ value: String, _ expected: String) throws {
    let template = try Template("{{x}},\"{{y}}\"\n", options: TemplateOptions(output: .csv))
    #expect(try template.render(["x": .string(value), "y": "q\"q"]) == "\(expected),\"q\"\"q\"\n")
  }

  // MARK: Properties

  /// Random texts come back when what was written is read as a browser reads it.
  @Test func nothingIsLostOrAdded() throws {
    var random = SeededGenerator(seed: 7)
    let text = try Template("<p>{{x}}</p>")
    let attribute = try Template("<p title=\"{{x}}\">")
    let query = try Template("<a href=\"/?q={{x}}\">")
    let csv = try Template("{{x}}", options: TemplateOptions(output: .csv))
    for _ in 0..<3000 {
      let value = RandomText.make(&random)
      let inText = try text.render(["x": .string(value)]).dropFirst(3).dropLast(4)
      #expect(unescaped(inText) == value)
      #expect(!inText.contains("<"))
      let inAttribute = try attribute.render(["x": .string(value)]).dropFirst(10).dropLast(2)
      #expect(unescaped(inAttribute) == value)
      #expect(!inAttribute.contains("\""))
      let inQuery = try query.render(["x": .string(value)]).utf8.dropFirst(13).dropLast(2)
      #expect(
        inQuery.allSatisfy { "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%".utf8.contains($0) })
      let field = try csv.render(["x": .string(value)])
      #expect(csvField(field) == value || csvField(field) == "'" + value)
    }
  }

  /// No URL that comes out has a scheme but the harmless ones.
  @Test func noURLRunsAnything() throws {
    var random = SeededGenerator(seed: 11)
    let template = try Template("<a href=\"{{x}}\">")
    let pieces = [
      "java", "script", ":", "\t", "\n", " ", "data", "vb", "&colon;", "&#58;", "%3a", "/", "//", "\0", "é", "J", "#",
      "?",
    ]
    for _ in 0..<5000 {
      let value = (0..<Int.random(in: 1...6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
        .joined()
      let url = unescaped(try template.render(["x": .string(value)]).dropFirst(9).dropLast(2))
      let head = url.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
      #expect(!head.contains(":"), "\(value.debugDescription) gives \(url)")
    }
  }

  private func unescaped(_ text: some StringProtocol) -> String {
    var result = String(text)
    for (entity, character) in [
      ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x60;", "`"), ("&#x3D;", "="), ("&amp;", "&"),
    ] {
      result = result.split(separator: entity, omittingEmptySubsequences: false).joined(separator: character)
    }
    return result
  }

  private func csvField(_ text: String) -> String {
    guard text.utf8.first == UInt8(ascii: "\"") else { return text }
    let bytes = Array(text.utf8.dropFirst().dropLast())
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      result.append(bytes[index])
      index += bytes[index] == UInt8(ascii: "\"") ? 2 : 1
    }
    return String(decoding: result, as: UTF8.self)
  }
}

/// Texts with more than their share of what matters.
enum RandomText {
  private static let pieces: [String] = [
    "<", ">", "&", "\"", "'", "`", "=", "{", "}", "/", "\\", ",", "\n", "\r", "\t", " ", "-", "+", "@", "%", "é", "😀",
    "\u{2028}", "\0", "a", "B", "7", "&amp;", "<script>", "-->", "]]>",
  ]

  static func make(_ random: inout SeededGenerator) -> String {
    (0..<Int.random(in: 0...12, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
  }
}
