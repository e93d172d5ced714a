import Glibc
import MainstayTemplating
import MainstayTesting
import Testing

/// How much more the fuzz tests do than usual: `MAINSTAY_FUZZ=20 swift test --filter Fuzz` for twenty times as many inputs.
enum FuzzEffort {
  static let factor = max(getenv("MAINSTAY_FUZZ").flatMap { Int(String(cString: $0)) } ?? 1, 1)
}

/// Random templates over random data: every outcome is an output or a `TemplateError`. A trap would end the test run.
@Suite struct FuzzTests {
  private static let handlebars = [
    "{{", "}}", "{{{", "}}}", "{{#if a}}", "{{/if}}", "{{else}}", "{{else if b}}", "{{^}}", "{{#each list}}",
    "{{/each}}",
    "{{#with obj}}", "{{/with}}", "{{#unless a}}", "{{/unless}}", "{{a}}", "{{obj.b}}", "{{../a}}", "{{@index}}",
    "{{@root.a}}",
    "{{> p}}", "{{> p a=1 b=obj}}", "{{#> p}}", "{{/p}}", "{{> @partial-block}}", "{{#*inline \"q\"}}", "{{/inline}}",
    "{{> q}}",
    "{{~", "~}}", "{{!-- c --}}", "{{! c }}", "\\{{a}}", "\\\\{{a}}", "{{{{raw}}}}", "{{{{/raw}}}}", "{{lookup obj a}}",
    "{{#each obj as |v k|}}", "{{v}}", "{{#a}}", "{{/a}}", "{{^a}}", "(eq a 1)", "{{#if (eq a 'x')}}", "as |x|",
    "{{json obj}}",
    "{{default zz 'd'}}", "{{join list}}", "{{sort list}}", "{{formatDate '2020-02-29'}}", "\n", "  ", "text", "<p>",
    "</p>",
    "<a href=\"", "\">", "'", "\"", "<script>", "</script>", "<!--", "-->", ".", "/", "[", "]", "|", "=", "@", "&", "0",
    "-1.5", "é",
    "{{list.[0]}}", "{{#list}}", "{{/list}}", "{{.}}", "{{this}}", "{{> (concat 'p' '')}}", "{{repeat a 3}}",
  ]
  private static let mustache = [
    "{{", "}}", "{{{", "}}}", "{{#a}}", "{{/a}}", "{{^a}}", "{{#list}}", "{{/list}}", "{{#obj}}", "{{/obj}}", "{{.}}",
    "{{a.b}}",
    "{{>p}}", "{{>*name}}", "{{<p}}", "{{/p}}", "{{$s}}", "{{/s}}", "{{! c }}", "{{=<% %>=}}", "<%={{ }}=%>", "<%a%>",
    "{{&a}}",
    "{{#fn}}", "{{/fn}}", "{{fn}}", "\n", "  ", "\r\n", "text", "<p>", "<a href=\"", "\">", "é", "=", "{", "}",
    "  {{>p}}\n",
    "  {{$s}}\n", "{{/s}}\n",
  ]
  private static let data: TemplateValue = [
    "a": "x", "b": true, "list": [1, "two", ["c": 3]], "obj": ["a": 1, "b": "<"], "name": "p",
    "fn": .lambda(TemplateLambda { call in .string((call.sectionText ?? "") + "{{a}}") }),
  ]

  /// How many templates; more than 100,000 over the two dialects and the kinds of output.
  private static let count = 26_000 * FuzzEffort.factor

  @Test(arguments: [TemplateDialect.handlebars, .mustache], [TemplateOutput.html, .uniformHTML]) func neverTraps(
    _ dialect: TemplateDialect, _ output: TemplateOutput
  ) async throws {
    var random = SeededGenerator(seed: dialect == .handlebars ? 1 : 2)
    let pieces = dialect == .handlebars ? Self.handlebars : Self.mustache
    var options = TemplateOptions(dialect: dialect, output: output, missing: .lenient)
    options.checksHelpers = false
    var settings = RenderSettings()
    settings.limits.fuel = 4_000
    settings.limits.outputBytes = 20_000
    settings.limits.depth = 20
    var rendered = 0
    for round in 0..<Self.count {
      if round % 32 == 0 { await Task.yield() }  // Other tests have deadlines.
      let text =
        Int.random(in: 0..<3, using: &random) == 0
        ? (0..<Int.random(in: 1...14, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
        : GrownTemplate(dialect: dialect).grow(&random, depth: 4)
      let (set, errors) = TemplateSet.compile([
        .init(name: "main", text: text, options: options),
        .init(name: "p", text: "[{{a}}]\n", options: options, isPartial: true),
      ])
      for (_, error) in errors { #expect(!error.description.isEmpty) }
      guard let template = try? set.template("main") else { continue }
      do throws(TemplateError) {
        _ = try template.render(Self.data, settings: settings)
        rendered += 1
      } catch {
        #expect(!error.locations.isEmpty, "\(text)")
      }
    }
    print("fuzz \(dialect) \(output): \(Self.count) templates, \(rendered) rendered")
    #expect(rendered > Self.count / 4)
  }

  @Test func bytesAtRandomNeverTrap() async {
    var random = SeededGenerator(seed: 3)
    for round in 0..<8000 * FuzzEffort.factor {
      if round % 32 == 0 { await Task.yield() }
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        Bool.random(using: &random)
          ? UInt8.random(in: 0...255, using: &random)
          : Array("{}#/^>~!&.@|=\"'[]()$<%".utf8).randomElement(using: &random) ?? 0
      }
      let text = String(decoding: bytes, as: UTF8.self)
      for dialect in TemplateDialect.allCases {
        _ = try? Template(text, options: TemplateOptions(dialect: dialect, missing: .lenient)).render(Self.data)
      }
    }
  }
}

/// Templates whose tags fit together.
private struct GrownTemplate {
  let dialect: TemplateDialect

  private static let texts = [
    "text", " ", "\n", "  ", "<p>", "</p>", "<a href=\"/x?\">", "é\r\n", "\\{{a}} ", "<b title=\"q\">", "&",
  ]
  private static let values = [
    "a", "obj.b", "../a", "@index", "@root.a", ".", "list.[1]", "@key", "v", "lookup obj a", "json obj", "concat a b",
    "../../list",
    "default zz 'd'", "choose (eq a 'x') b list", "fn", "obj.c.d", "@../index", "list.length", "~a~", "name",
  ]
  private static let heads = [
    "if a", "if zz", "unless a", "each list", "each obj as |v k|", "with obj", "with zz as |v|", "a", "list", "zz",
    "obj", "eq a 'x'",
    "each (range 1 3)", "> p", "> q a=1", "*inline \"q\"", "fn", "> @partial-block",
  ]
  private static let names = ["a", "list", "obj", "zz", "fn", "b", "obj.b", "s", "."]

  func grow(_ random: inout SeededGenerator, depth: Int) -> String {
    (0..<Int.random(in: 1...4, using: &random)).map { _ in node(&random, depth: depth) }.joined()
  }

  private func pick(_ list: [String], _ random: inout SeededGenerator) -> String {
    list.randomElement(using: &random) ?? ""
  }

  private func node(_ random: inout SeededGenerator, depth: Int) -> String {
    switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
    case 0, 1, 2: pick(Self.texts, &random)
    case 3: dialect == .mustache ? "{{\(pick(Self.names, &random))}}" : "{{\(pick(Self.values, &random))}}"
    case 4: dialect == .mustache ? "{{{\(pick(Self.names, &random))}}}" : "{{{\(pick(Self.names, &random))}}}"
    case 5: "\(pick(["", "  ", "\n  "], &random)){{> p}}\(pick(["", "\n"], &random))"
    default: dialect == .mustache ? section(&random, depth: depth) : block(&random, depth: depth)
    }
  }

  private func block(_ random: inout SeededGenerator, depth: Int) -> String {
    let head = pick(Self.heads, &random)
    let first = head.split(separator: " ").first.map(String.init) ?? ""
    let name = head.hasPrefix("> ") ? String(head.split(separator: " ")[1]) : first == "*inline" ? "inline" : first
    let tilde = pick(["", "", "~"], &random)
    let other =
      head.hasPrefix(">") || head.hasPrefix("*") ? "" : pick(["", "{{else}}", "{{^}}", "{{else if b}}"], &random)
    let inverse = other.isEmpty ? "" : other + grow(&random, depth: depth - 1)
    return "{{\(tilde)#\(head)}}" + grow(&random, depth: depth - 1) + inverse + "{{/\(name)\(tilde)}}"
  }

  private func section(_ random: inout SeededGenerator, depth: Int) -> String {
    let name = pick(Self.names, &random)
    let body = grow(&random, depth: depth - 1)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: return "{{<p}}{{$s}}" + body + "{{/s}}{{/p}}"
    case 1: return "\n  {{$s}}\n" + body + "\n{{/s}}\n"
    case 2: return "{{^\(name)}}" + body + "{{/\(name)}}"
    default: return "{{#\(name)}}" + body + "{{/\(name)}}"
    }
  }
}
