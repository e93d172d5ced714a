import MainstayKernel
import MainstayTemplating
import Testing

/// Our own cases of the Handlebars language, for the sections that the public suite gives in JavaScript only: partials,
/// partial blocks, inline partials, data, subexpressions, strict mode and more. Outcomes are those of handlebars.js.
@Suite struct HandlebarsLanguageTests {
  private static let helpers: HelperTable = [
    "cat": Helper { call in .string(call.arguments.map(text).joined()) },
    "eq": Helper { call in .bool(call[0].isNothing ? call[1].isNothing : text(call[0]) == text(call[1])) },
    "list": Helper { call in .array(call.arguments) },
    "constant": Helper { _ in "constant" },
    "hash": Helper { call in
      .string(call.hash.names.map { "\($0)=\(text(call.hash[$0]));" }.joined())
    },
    "wrap": Helper { call in .markup("[" + (try call.body()) + "]") },
    "choose": Helper { call in .markup(call[0].isTruthy ? try call.body() : try call.inverse()) },
    "twice": Helper { call in
      for number in [1, 2] as [TemplateValue] { try call.writeBody(parameters: [number], data: [("n", number)]) }
      return .undefined
    },
  ]

  private static func text(_ value: TemplateValue) -> String {
    switch value {
    case .string(let text): text
    case .integer(let number): String(number)
    case .number(let number): String(number)
    case .bool(let value): String(value)
    case .object: "[object Object]"
    default: ""
    }
  }

  /// What differs from handlebars.js on purpose, and why.
  private static let deviations: [String: String] = [
    "partials: reaches the caller's context above": "a partial sees what surrounds it"
  ]

  /// Sections of the public suite that have no counterpart, and why.
  private static let withoutCounterpart = [
    "decorators: change functions of JavaScript", "string params, track ids: hand helpers source instead of values",
    "precompiler, javascript compiler, utils, require: make and load JavaScript",
    "security: prototypes of JavaScript; HostileTests asks for the same names",
    "tokenizer, parser, ast, visitor: name tokens and nodes of the other implementation",
  ]

  @Test func passes() throws {
    var tallies: [String: Tally] = [:]
    for test in try #require(try Suite.file("handlebars-language/cases.json").arrayValue) {
      let section = test["section"]?.stringValue ?? ""
      let name = "\(section): \(test["it"]?.stringValue ?? "")"
      if let reason = Self.deviations[name] {
        tallies[section, default: Tally()].skip(reason)
        continue
      }
      let result = outcome(of: test)
      if test["fails"] != nil {
        tallies[section, default: Tally()].check(name, result.hasPrefix("error: ") ? "error" : result, "error")
      } else {
        tallies[section, default: Tally()].check(name, result, test["expected"]?.stringValue ?? "")
      }
    }
    for (section, tally) in tallies.sorted(by: { $0.key < $1.key }) {
      tally.report("handlebars language/\(section)")
      #expect(tally.failed == [])
    }
    for section in Self.withoutCounterpart { print("handlebars language: left out: \(section)") }
    #expect(tallies.values.reduce(0) { $0 + $1.passed } > 140)
  }

  private func outcome(of test: JSONValue) -> String {
    func isSet(_ option: String) -> Bool { test["options"]?[option]?.boolValue ?? false }
    var options = TemplateOptions(
      output: .uniformHTML, missing: isSet("strict") ? .strict : .lenient, helpers: Self.helpers)
    options.looksOutward = isSet("compat")
    options.keepsPartialIndentation = isSet("preventIndent")
    options.isolatesPartials = isSet("explicitPartialContext")
    var sources = [TemplateSet.Source(name: "main", text: test["template"]?.stringValue ?? "", options: options)]
    for (partial, text) in test["partials"]?.objectValue ?? [:] {
      sources.append(.init(name: partial, text: text.stringValue ?? "", options: options, isPartial: true))
    }
    do throws(TemplateError) {
      return try TemplateSet(sources).template("main").render(TemplateValue(test["data"] ?? [:]))
    } catch {
      return "error: \(error)"
    }
  }
}
