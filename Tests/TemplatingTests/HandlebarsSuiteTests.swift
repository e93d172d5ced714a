import MainstayKernel
import MainstayTemplating
import Testing

/// The cases of handlebars.js. Functions, which the suite gives in JavaScript, stand in `HandlebarsFixtures`.
@Suite struct HandlebarsSuiteTests {
  static let files = ["basic", "blocks", "builtins", "helpers", "whitespace-control"]

  @Test(arguments: files) func passes(_ file: String) throws {
    var tally = Tally()
    for (number, test) in try #require(try Suite.file("handlebars/\(file).json").arrayValue).enumerated() {
      if test["decorators"] != nil {
        tally.skip("a decorator changes a function of JavaScript")
        continue
      }
      guard let fixtures = HandlebarsFixtures(test) else {
        tally.skip("a function has no counterpart in the fixtures: \(number)")
        continue
      }
      let name = "\(number) \(test["it"]?.stringValue ?? "") \(test["template"]?.description ?? "")"
      if test["exception"] != nil {
        tally.check(name, outcome(of: test, fixtures, showingMessage: false), "error")
      } else {
        tally.check(name, outcome(of: test, fixtures, showingMessage: true), test["expected"]?.stringValue ?? "")
      }
    }
    tally.report("handlebars/\(file)")
    #expect(tally.failed == [])
    #expect(tally.passed >= 31)
  }

  private func outcome(of test: JSONValue, _ fixtures: HandlebarsFixtures, showingMessage: Bool) -> String {
    var options = TemplateOptions(output: .uniformHTML, missing: .lenient, helpers: fixtures.helpers)
    options.checksHelpers = test["compileOptions"]?["knownHelpersOnly"]?.boolValue ?? false
    options.looksOutward = test["compileOptions"]?["compat"]?.boolValue ?? false
    options.keepsStandaloneLines = test["compileOptions"]?["ignoreStandalone"]?.boolValue ?? false
    var sources = [TemplateSet.Source(name: "main", text: test["template"]?.stringValue ?? "", options: options)]
    for (partial, text) in test["partials"]?.objectValue ?? [:] {
      sources.append(.init(name: partial, text: text.stringValue ?? "", options: options, isPartial: true))
    }
    var settings = RenderSettings()
    for (name, value) in test["runtimeOptions"]?["data"]?.objectValue ?? [:] {
      settings.variables.append((name, TemplateValue(value)))
    }
    do {
      return try TemplateSet(sources).template("main").render(fixtures.data, settings: settings)
    } catch {
      return showingMessage ? "error: \(error)" : "error"
    }
  }
}
