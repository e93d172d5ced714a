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
    ("<meta name=\"author\" content=\"{{x}}\">", "0;url=a\"", "<meta name=\"author\" content=\"0;url=a&quot;\">"),
    ("<a href=\"{{x}}&amp;b=1\">", "https://a.org/?a=1", "<a href=\"https://a.org/?a=1&amp;b=1\">"),
    ("<a href=\"{{x}}&{{x}}\">", "colon;a", "<a href=\"colon;a&colon%3Ba\">"),
    ("<a href=\"{{x}}&co{{x}}\">", "lon;a", "<a href=\"lon;a&colon%3Ba\">"),
    ("<script src=\"https://a.org/{{x}}\"></script>", "b c", "<script src=\"https://a.org/b%20c\"></script>"),
    ("<iframe src=\"/a?b={{x}}\"></iframe>", "//c", "<iframe src=\"/a?b=%2F%2Fc\"></iframe>"),
    ("<link rel=\"stylesheet\" href=\"css/{{x}}.css\">", "a", "<link rel=\"stylesheet\" href=\"css/a.css\">"),
    (
      "<base href=\"{{#if x}}/a/{{else}}/b/{{/if}}{{x}}\">", "https://c",
      "<base href=\"/a/https://c\">"
    ),
    ("<textarea>&lt;b> {{x}}</textarea>{{x}}", "<", "<textarea>&lt;b> &lt;</textarea>&lt;"),
    (
      "<script><!-- a --> b('<script>')</script><p>{{x}}</p>", "<",
      "<script><!-- a --> b('<script>')</script><p>&lt;</p>"
    ),
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
    "<meta http-equiv=\"refresh\" content=\"0;url={{x}}\">", "<meta content='{{x}}' HTTP-EQUIV=refresh>",
    "<meta {{#if x}}http-equiv=\"refresh\"{{/if}} content=\"{{x}}\">",
    "<meta {{#if x}}http-equiv=\"refresh\"{{else}}content=\"{{x}}\"{{/if}} name=\"a\">",
    "<script src=\"https://{{x}}/a.js\"></script>", "<script src=\"//{{x}}/a.js\"></script>",
    "<script src=\"/{{x}}\"></script>", "<script src=\"https:{{x}}\"></script>",
    "<script src=\"https:///{{x}}\"></script>",
    "<script src=\"https:/{{x}}\"></script>", "<script src=\"/\t/{{x}}\"></script>", "<script src=\"a{{x}}\"></script>",
    "<script src=\"{{#if x}}/a/{{else}}/{{/if}}{{x}}\"></script>", "<script src=\"//a&sol;{{x}}\"></script>",
    "<embed src=\"/\\\\{{x}}\">", "<iframe src=\"https://a.org{{x}}\"></iframe>", "<object data=\"{{x}}\"></object>",
    "<link rel=\"stylesheet\" href=\"{{x}}\">", "<frame src=\"{{x}}\">", "<param name=\"movie\" value=\"{{x}}\">",
    "<a href=\"{{x}}&colon;alert(1)\">", "<a href=\"{{x}}&COLON;{{x}}\">", "<a href=\"{{x}}&#58;alert(1)\">",
    "<a href=\"{{x}}&#{{x}}\">", "<a href=\"&{{x}}\">", "<p a=b\u{0B}title=\"{{x}}\">",
    "<svg><title><a title={{x}}></title></svg>", "<title><!-- </title>{{x}}<title>--><i {{x}}",
    "<textarea><b>{{x}}</b></textarea>", "<script><!-- <script> </script>{{x}}</script>",
    "<svg><style>{{x}}</style></svg>",
    "<math href=\"javascript:{{x}}\"></math>", "<svg><a xlink:href=\"data:a,{{x}}\"></a></svg>",
    "<svg><set attributeName=\"onclick\" to=\"{{x}}\"/></svg>", "<body onload=\"{{json x}}\">",
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

  /// Nor where several values, with text between them, could spell a scheme together.
  @Test func noValuesTogetherRunAnything() throws {
    var random = SeededGenerator(seed: 13)
    let pieces = [
      "javascript", ":", "&colon;", "colon;", "lon;", "#58;", "58;", ";", "&", "#", "a", "\t", "Tab;", "x3a;", "", "/",
    ]
    let templates = try [
      "{{x}}{{y}}", "{{x}}&{{y}}", "{{x}}&co{{y}}", "java{{x}}{{y}}", "{{x}}script{{y}}", "{{x}}&amp;{{y}}",
    ]
    .map { try Template("<a href=\"\($0)\">") }
    for round in 0..<6000 {
      func value() -> TemplateValue {
        .string((0..<2).map { _ in pieces.randomElement(using: &random) ?? "" }.joined())
      }
      let values: TemplateValue = ["x": value(), "y": value()]
      let url = BrowserText.decoded(try templates[round % templates.count].render(values).dropFirst(9).dropLast(2))
      let head = url.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
      #expect(!head.contains(":"), "\(url)")
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

/// The value of an attribute as a browser reads it: references decoded once, tabs and line ends dropped as in a URL.
private enum BrowserText {
  private static let names = [
    "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "colon": ":", "Tab": "\t", "NewLine": "\n",
  ]

  static func decoded(_ text: some StringProtocol) -> String {
    var result = ""
    var rest = Substring(text)
    while let first = rest.first {
      rest.removeFirst()
      guard first == "&" else {
        result.append(first)
        continue
      }
      let body = rest.prefix { $0 != ";" && $0 != "&" }
      let (character, length) = reference(body, rest)
      result += character
      rest = rest.dropFirst(length)
    }
    return result.filter { !"\t\n\r".contains($0) }
  }

  /// A number needs no semicolon; a name does in an attribute.
  private static func reference(_ body: Substring, _ rest: Substring) -> (String, Int) {
    let isClosed = rest.dropFirst(body.count).first == ";"
    if body.first == "#" {
      let isHexadecimal = body.dropFirst().first.map { "xX".contains($0) } ?? false
      let digits = body.dropFirst(isHexadecimal ? 2 : 1).prefix { isHexadecimal ? $0.isHexDigit : $0.isNumber }
      guard let code = UInt32(digits, radix: isHexadecimal ? 16 : 10), let scalar = Unicode.Scalar(code) else {
        return ("&", 0)
      }
      let length = body.count - body.dropFirst(isHexadecimal ? 2 : 1).count + digits.count
      return (String(Character(scalar)), length + (isClosed && length == body.count ? 1 : 0))
    }
    guard isClosed, let character = names[String(body)] else { return ("&", 0) }
    return (character, body.count + 1)
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
