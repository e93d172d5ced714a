import MainstayTemplating
import MainstayTesting
import Testing

/// The third dialect: the tags of EJS around expressions, conditions and loops, and nothing that is evaluated.
@Suite struct EJSTests {
  private static let data: TemplateValue = [
    "name": "Ada <Lovelace>", "age": 36, "none": .null, "empty": [], "zero": 0, "flag": true, "key": "city", "n": 2,
    "price": 12.5, "person": ["name": "Grace", "address": ["city": "Arlington"]],
    "items": [["name": "one", "tags": ["a", "b"]], ["name": "two", "tags": []]], "list": ["x", "y", "z"],
    "scores": ["math": 1, "art": 2],
  ]

  private static func options(_ output: TemplateOutput = .html) -> TemplateOptions {
    TemplateOptions(dialect: .ejs, output: output)
  }

  private func render(_ source: String, _ output: TemplateOutput = .text) throws -> String {
    try Template(source, options: Self.options(output)).render(Self.data)
  }

  @Test(arguments: [
    ("Hello <%= name %>!", "Hello Ada <Lovelace>!"),
    (
      "<%=name%>|<%= person.name %>|<%= person['name'] %>|<%= person.address[key] %>|<%= list[0] %>|<%= list[n] %>",
      "Ada <Lovelace>|Grace|Grace|Arlington|x|z"
    ),
    (
      "<%= items[1].name %> <%= items[n - 1].name %> <%= list.length %> <%= locals.age %> <%= locals['age'] %>",
      "two two 3 36 36"
    ),
    ("<%= person?.address?.city %> <%= person?.['name'] %>", "Arlington Grace"),
    ("<%= 1 + 2 * 3 %> <%= (1 + 2) * 3 %> <%= 7 % 4 %> <%= 7 / 2 %> <%= -age %> <%= 10 - 2 - 3 %>", "7 9 3 3.5 -36 5"),
    ("<%= 'a' + 1 + true %> <%= 1 + 2 + 'a' %> <%= \"it's\" + ' \\'ok\\'' %>", "a1true 3a it's 'ok'"),
    (
      "<%= 9007199254740993 + 1 %> <%= 9223372036854775807 + 1 > 0 %> <%= price * 2 %> <%= +'4' + 1 %>",
      "9007199254740994 true 25 5"
    ),
    (
      "<%= age === 36 %> <%= age == 36.0 %> <%= age !== 36 %> <%= none == undefined %> <%= missing == null %>",
      "true true false true true"
    ),
    ("<%= age > 30 && age <= 36 %> <%= 'a' < 'b' %> <%= missing > 1 %>", "true true false"),
    (
      "<%= missing || 'none' %> <%= zero || 'zero' %> <%= zero ?? 'null' %> <%= none ?? 'null' %> <%= flag && name %>",
      "none zero 0 null Ada <Lovelace>"
    ),
    ("<%= flag ? 'yes' : 'no' %> <%= !flag ? 1 : zero ? 2 : 3 %> <%= (flag ? 'a' : 'b') + 'c' %>", "yes 3 ac"),
    (
      "<%= typeof missing === 'undefined' ? 'gone' : 'there' %> <%= typeof age %> <%= typeof list %>",
      "gone number object"
    ),
    (
      "<%= uppercase(name) %> <%= formatDate('2026-03-01', 'D MMM YYYY') %> <%= formatNumber(price, {decimals: 2}) %>",
      "ADA <LOVELACE> 1 Mar 2026 12.50"
    ),
    (
      "<%= join(pluck(items, 'name'), ', ') %> <%= first(['p', 'q']) %> <%= Object.keys(scores).length %>",
      "one, two p 2"
    ),
    ("<% if (age > 40) { %>old<% } else if (age > 30) { %>middle<% } else { %>young<% } %>", "middle"),
    (
      "<% if (!empty) { %>nothing<% } %><% if (zero) { %>never<% } %><% if (list.length) { %>some<% } %>",
      "nothingsome"
    ),
    ("<% list.forEach(function(item, i) { %><%= i %>:<%= item %> <% }) %>", "0:x 1:y 2:z "),
    ("<% list.forEach((item) => { %><%= item %><% }); %>|<% list.forEach(item => { %><%= item %><% }) %>", "xyz|xyz"),
    (
      "<% for (const item of items) { %><%= item.name %>(<% for (let tag of item.tags) { %><%= tag %><%= n %><% } %>)<% } %>",
      "one(a2b2)two()"
    ),
    ("<% for (const key in scores) { %><%= key %>=<%= scores[key] %>;<% } %>", "math=1;art=2;"),
    (
      "<% for (const [subject, score] of Object.entries(scores)) { %><%= subject %>=<%= score %>;<% } %>",
      "math=1;art=2;"
    ),
    ("<% Object.entries(scores).forEach(([k, v]) => { %><%= k + v %> <% }) %>", "math1 art2 "),
    ("<% for (const i of range(1, 3)) { %><%= i %><% } %>", "123"),
    ("<% (missing || []).forEach(function (x) { %>never<% }) %>none", "none"),
    ("<% if (flag) { for (const x of list) { %><%= x %><% } } %>", "xyz"),
    ("<% list.forEach(function(name) { %><%= name %><% }) %> <%= name %>", "xyz Ada <Lovelace>"),
    ("<%# a comment with %<> %>a<%# -%>\nb<%% c %%> d<%/* inner */%>", "ab<% c %> d"),
    ("a\n  <%_ if (flag) { _%>  \nb\n  <%_ } -%>\nc", "a\nb\nc"),
    ("<%= name // the name\n %>", "Ada <Lovelace>"),
    ("<%- 'a' -%>\n\nb", "a\nb"),
    ("<%= 'a %> b' %> <%= name_x_ ?? '_' _%>  \nc", "a %> b _c"),
    ("<%= '\\u00e9\\n' %>", "é\n"),
  ])
  func renders(_ source: String, _ expected: String) throws {
    #expect(try render(source) == expected)
  }

  @Test func valuesAreEscapedForThePlace() throws {
    #expect(
      try render("<p title=\"<%= name %>\"><%= name %></p>", .html)
        == "<p title=\"Ada &lt;Lovelace&gt;\">Ada &lt;Lovelace&gt;</p>")
    #expect(try render("<p><%- name %></p>", .html) == "<p>Ada <Lovelace></p>")
    #expect(try render("<a href=\"<%= 'javascript:alert(1)' %>\">", .html) == "<a href=\"#blocked-url\">")
    #expect(try render("<a href=\"/?q=<%= name + '&' %>\">", .html) == "<a href=\"/?q=Ada%20%3CLovelace%3E%26\">")
    #expect(try render("<p><%= flag ? name : '<' %></p>", .html) == "<p>Ada &lt;Lovelace&gt;</p>")
    #expect(try render("<script>var a = <%= json(person) %></script>", .html).contains("\"name\":\"Grace\""))
    for source in [
      "<script><%= name %></script>", "<p onclick=\"<%= name %>\">", "<p class=<%= name %>>",
      "<a href=\"<%- name %>\">",
      "<p title=\"<% if (flag) { %>\"<% } %>", "<% for (const x of list) { %><p title=\"<% } %>",
    ] {
      let error = #expect(throws: TemplateError.self) { try render(source, .html) }
      #expect(error?.code == .context, "\(source)")
    }
  }

  @Test func includesPartials() throws {
    let set = try TemplateSet([
      .init(
        name: "main",
        text: """
          <%- include('head') %><% items.forEach(function(item) { %><%- include('./row.ejs', {item: item, n}) %><% }) %>
          <%- include(key) %><%- include('head', person) %>
          """, options: Self.options()),
      .init(name: "head", text: "<h1><%= name %></h1>", options: Self.options(), isPartial: true),
      .init(name: "row", text: "<i><%= item.name %> <%= n %> <%= age %></i>", options: Self.options(), isPartial: true),
      .init(name: "city", text: "{{name}}", options: TemplateOptions(dialect: .handlebars), isPartial: true),
      .init(
        name: "framed", text: "<b><%= age %></b>", options: Self.options(), layout: "frame"),
      .init(
        name: "frame", text: "<main><%- include('@partial-block') %></main>", options: Self.options(), isPartial: true),
    ])
    #expect(
      try set.template("main").render(Self.data) == """
        <h1>Ada &lt;Lovelace&gt;</h1><i>one 2 36</i><i>two 2 36</i>
        Ada &lt;Lovelace&gt;<h1>Grace</h1>
        """)
    #expect(try set.template("framed").render(Self.data) == "<main><b>36</b></main>")
  }

  @Test func partialsThatIncludeThemselvesEnd() throws {
    let set = try TemplateSet([
      .init(name: "a", text: "<%- include('a') %>", options: Self.options())
    ])
    let error = #expect(throws: TemplateError.self) { try set.template("a").render(Self.data) }
    #expect(error?.code == .depthExceeded)
  }

  /// What is not part of the language is refused, with its place.
  @Test(arguments: [
    ("<%= name.toUpperCase() %>", 10, "methods of values cannot be called, only helpers; write uppercase(value)"),
    ("<%= require('fs') %>", 5, "there is no helper 'require'"),
    ("<%= process.exit() %>", 13, "methods of values cannot be called"),
    ("<%= constructor.constructor('return 1')() %>", 17, "methods of values cannot be called"),
    ("<%= new Date() %>", 5, "'new' is not known here"),
    ("<%= this.name %>", 5, "'this' is not known here"),
    ("<% const x = 1 %>", 4, "'const' is not known here"),
    ("<% while (true) { %>", 4, "'while' is not known here"),
    ("<% name = 'x' %>", 9, "values cannot be changed here"),
    ("<% age++ %>", 10, "a value should stand here"),
    ("<%= --age %>", 5, "values cannot be changed here"),
    ("<%= `a${1}` %>", 5, "texts stand in single or double quotes here"),
    ("<%= a => a %>", 7, "values cannot be changed here"),
    ("<%= function() {} %>", 5, "'function' is not known here"),
    ("<%= {a: 1} %>", 5, "this is not expected here"),
    ("<%= /a+/ %>", 5, "this is not expected here"),
    ("<%= name, age %>", 9, "this is not expected here"),
    ("<%= %>", 5, "a value should stand here"),
    ("<%= name", 1, "the tag that begins here does not end"),
    ("<%# name", 1, "the tag that begins here does not end"),
    ("<%= 'abc %>", 5, "the text that begins here does not end"),
    ("<%= (name %>", 11, "the bracket that was opened needs a closing ')'"),
    ("<%= 12px %>", 7, "a number is written in digits"),
    ("<% name %>", 4, "this has no effect; to write a value, use <%= … %>"),
    ("<% if (flag) { %>a", 4, "the block that begins here is not closed; close it with <% } %>"),
    ("<% list.forEach(function(x) { %>a", 4, "the block that begins here is not closed; close it with <% }) %>"),
    ("<% list.forEach(function(x) { %>a<% } %>", 39, "forEach( is closed with })"),
    ("a<% } %>", 5, "this closes a block that is not open"),
    ("<% else { %>", 4, "'else' follows the '}' in the same tag"),
    ("<% if (flag) { %><% } else { %><% } else { %><% } %>", 35, "an 'else' has come already"),
    ("<% if flag { %>", 7, "a condition stands in brackets"),
    ("<% if (flag) %>a", 14, "a block begins with '{' in the same tag"),
    ("<% for (let i = 0; i < 3; i++) { %><% } %>", 15, "a loop is written for (const item of list)"),
    ("<% for (const [a, b] of list) { %><% } %>", 25, "pairs come from Object.entries(object)"),
    ("<% list.forEach(function(a, b, c) { %><% }) %>", 30, "a loop gives the item and its index"),
    ("<% list.forEach(x => x) %>", 22, "a loop is written list.forEach"),
    ("<%= list.forEach(x) %>", 9, "forEach begins a block"),
    ("<%= include('x') %>", 5, "include stands alone"),
    ("<% include('x') %>", 4, "write <%- include(…) %>"),
    ("<%- include('x', 1, 2) %>", 19, "include needs a closing ')'"),
    ("<%= uppercase() %>", 5, "'uppercase' takes"),
    ("<%= upercase(name) %>", 5, "did you mean 'uppercase'?"),
    ("<%= uppercase(name, {a: 1}, 2) %>", 27, "an object can only be the last argument"),
  ])
  func refuses(_ source: String, _ column: Int, _ message: String) throws {
    let error = #expect(throws: TemplateError.self) {
      try Template("first\n" + source, name: "page.ejs", options: Self.options(.text))
    }
    #expect(error?.message.contains(message) == true, "\(error?.description ?? "")")
    #expect(error?.locations.first?.line == 2)
    #expect(error?.locations.first?.column == column, "\(error?.description ?? "")")
    #expect(error?.excerpt.contains(source.prefix(20)) == true)
  }

  @Test(arguments: [
    ("<%= nmae %>", TemplateError.Code.missingValue), ("<%= flag ? nmae : 1 %>", .missingValue),
    ("<%= missing || other %>", .missingValue), ("<%= person %>", .unsafeValue), ("<%= 1 / zero %>", .helperFailed),
    ("<%= 5 % zero %>", .helperFailed), ("<%= age + missing %>", .helperFailed),
    ("<%= 'a' + missing %>", .helperFailed),
    ("<%= list * 2 %>", .helperFailed), ("<%= list < 2 %>", .helperFailed),
    ("<%- include(missing) %>", .unknownPartial),
    ("<%- include(name) %>", .unknownPartial),
  ])
  func strictTemplatesStop(_ source: String, _ code: TemplateError.Code) throws {
    let error = #expect(throws: TemplateError.self) { try render(source) }
    #expect(error?.code == code, "\(error?.description ?? "")")
    #expect(error?.locations.first?.line == 1)
  }

  @Test func onlyDataCanBeReached() throws {
    for name in ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "globalThis", "process"] {
      #expect(
        try render("<%= typeof \(name) %><%= typeof person.\(name) %><%= typeof list['\(name)'] %>")
          == "undefinedundefinedundefined")
    }
  }

  @Test func expressionsAreLimited() throws {
    for source in [
      "<%= " + String(repeating: "(", count: 5000) + "1" + String(repeating: ")", count: 5000) + " %>",
      "<%= " + String(repeating: "1 + ", count: 5000) + "1 %>", "<%= " + String(repeating: "!", count: 5000) + "1 %>",
      "<%= " + String(repeating: "a ? b : ", count: 5000) + "1 %>",
      "<%= a" + String(repeating: "[b]", count: 5000) + " %>",
      "<%= " + String(repeating: "a[", count: 5000) + "1 %>", "<%= " + String(repeating: "abs(", count: 5000) + "1 %>",
      "<%= " + String(repeating: "[", count: 5000) + "1 %>",
      String(repeating: "<% if (a) { %>", count: 5000),
      "<% if (a) { %>" + String(repeating: "<% } else if (a) { %>", count: 5000),
    ] {
      let error = #expect(throws: TemplateError.self) { try render(source) }
      #expect(error?.code == .depthExceeded, "\(source.prefix(30))")
    }
    var settings = RenderSettings()
    settings.limits.outputBytes = 1000
    let text = TemplateValue.string(String(repeating: "x", count: 600))
    #expect(throws: TemplateError.self) {
      try Template("<% if (a + a) { %><% } %>", options: Self.options()).render(["a": text], settings: settings)
    }
    settings.limits.fuel = 1000
    #expect(throws: TemplateError.self) {
      try Template(
        "<% for (const i of range(1, 100)) { %><% for (const k of range(1, 100)) { %><% if (i * k > 0) { %><% } } } %>",
        options: Self.options()
      ).render([:], settings: settings)
    }
  }

  /// Random templates over random data: every outcome is an output or a `TemplateError`. A trap would end the test run.
  @Test func neverTraps() async throws {
    let pieces = [
      "<%=", "<%-", "<%", "%>", "-%>", "_%>", "<%_", "<%#", "<%%", "%%>", "<% if (", "<% for (const x of ", ") { %>",
      "<% } %>", "<% } else { %>", "<% } else if (", "<% }) %>", "list.forEach(function(x, i) {", "x", "i", "a", "list",
      "obj.b", "[", "]", "(", ")", "{", "}", ".", "?.", "?", ":", "+", "-", "*", "/", "%", "!", "&&", "||", "??", "===",
      "<", ">=", "'t'", "\"", "'", "1", "0", "9223372036854775807", "2.5", "typeof ", "include('p')",
      "include('p', {a: x})",
      "uppercase(", "json(obj)", "Object.entries(obj)", "Object.keys(obj)", "=>", ",", ";", "\n", "  ", "text", "<p>",
      "é",
      "<a href=\"", "\">", "/*", "*/", "//", "\\", "locals", "repeat(a, 3)", "range(1, 5)",
    ]
    let statements = [
      "<%= a %>", "<%- a %>", "<%= x ?? i ?? '' %>", "<%= obj.b + 1 %>", "<%= list[1] %>", "<% if (a) { %>", "<% } %>",
      "<% list.forEach(function(x, i) { %>", "<% }) %>", "<% } else { %>", "<%- include('p', {a: 1}) -%>\n",
      "<% for (const x of list) { %>", "<%# c %>", "text", "<b title=\"<%= a %>\">", "\n  <%_ if (obj[a]) { _%>\n",
      "<%= a ? list : obj.b %>", "<%= -obj.a * 3 %>", "<% for (const [i, x] of Object.entries(obj)) { %>",
    ]
    let data: TemplateValue = ["a": "x", "list": [1, "two", ["c": 3]], "obj": ["a": 1, "b": "<", "x": true]]
    var random = SeededGenerator(seed: 11)
    var settings = RenderSettings()
    settings.limits.fuel = 4000
    settings.limits.outputBytes = 20_000
    settings.limits.depth = 20
    var rendered = 0
    for round in 0..<30_000 * FuzzEffort.factor {
      if round % 32 == 0 { await Task.yield() }
      let parts = round % 2 == 0 ? pieces : statements
      var text = (0..<Int.random(in: 1...12, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }
        .joined()
      if round % 4 == 0 { text = "<%= " + text.replacing("<%", with: "") }
      let output = TemplateOutput.allCases.randomElement(using: &random) ?? .html
      var options = TemplateOptions(dialect: .ejs, output: output, missing: .lenient)
      options.checksHelpers = round % 3 == 0
      let (set, errors) = TemplateSet.compile([
        .init(name: "main", text: text, options: options),
        .init(name: "p", text: "[<%= a %>]\n", options: options, isPartial: true),
      ])
      for (_, error) in errors { #expect(!error.locations.isEmpty, "\(text)") }
      guard let template = try? set.template("main") else { continue }
      do throws(TemplateError) {
        _ = try template.render(data, settings: settings)
        rendered += 1
      } catch {
        #expect(!error.locations.isEmpty, "\(text)")
      }
    }
    print("fuzz ejs: \(30_000 * FuzzEffort.factor) templates, \(rendered) rendered")
    #expect(rendered > 1500)
  }
}
