import MainstayTemplating
import MainstayTesting
import Testing

/// Whatever is thrown at the engine ends in an error or in a harmless result, never in a crash.
@Suite struct HostileTests {
  private func set(_ sources: [(String, String)]) throws -> TemplateSet {
    try TemplateSet(
      sources.map {
        .init(name: $0.0, text: $0.1, options: TemplateOptions(missing: .lenient), isPartial: $0.0 != "main")
      })
  }

  private func code(_ body: () throws -> some Any) -> TemplateError.Code? {
    do {
      _ = try body()
      return nil
    } catch {
      return (error as? TemplateError)?.code
    }
  }

  @Test func partialsThatIncludeThemselvesEnd() throws {
    let cycles: [[(String, String)]] = [
      [("main", "{{> main}}")],
      [("main", "{{> a}}"), ("a", "{{> b}}"), ("b", "x{{> a}}")],
      [("main", "{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}")],
      [("main", "{{> (lookup . 'name')}}")],
      [("main", "{{#> a}}{{> a}}{{/a}}"), ("a", "{{> @partial-block}}")],
      [("main", "{{#> a}}{{#> a}}{{> @partial-block}}{{/a}}{{/a}}"), ("a", "{{> @partial-block}}{{> main}}")],
      [("main", "  {{> a}}\n"), ("a", "x\n  {{> a}}\n")],
    ]
    for sources in cycles {
      let template = try set(sources).template("main")
      let error = #expect(throws: TemplateError.self) { try template.render(["name": "main"]) }
      #expect(error?.code == .depthExceeded || error?.code == .unknownPartial, "\(sources)")
    }
    let mustache = TemplateOptions(dialect: .mustache, missing: .lenient)
    let parent = try TemplateSet([
      .init(name: "main", text: "{{<main}}{{$a}}{{>main}}{{/a}}{{/main}}{{$a}}{{/a}}", options: mustache)
    ])
    #expect(code { try parent.template("main").render([:]) } == .depthExceeded)
  }

  @Test func includeStackNamesEveryStep() throws {
    let template = try set([("main", "one\n{{> a}}"), ("a", "  {{> b}}"), ("b", "{{fail}}")])
    _ = template
    var options = TemplateOptions()
    options.helpers["fail"] = Helper { call in throw call.error("it fails") }
    let failing = try TemplateSet([
      .init(name: "main", text: "one\n{{> a}}", options: options),
      .init(name: "a", text: "  {{> b}}", options: options, isPartial: true),
      .init(name: "b", text: "x {{fail}}", options: options, isPartial: true),
    ])
    let error = #expect(throws: TemplateError.self) { try failing.template("main").render([:]) }
    #expect(error?.locations.map(\.description) == ["b:1:5", "a:1:3", "main:2:1"])
    #expect(
      error?.description
        == "b:1:5: fail: it fails\n1 | x {{fail}}\n  |     ^\n  included from a:1:3\n  included from main:2:1")
  }

  @Test func deepNestingIsRefused() {
    for depth in [65, 10_000] {
      #expect(code { try Template(String(repeating: "{{#if a}}", count: depth)) } == .depthExceeded)
      let calls = String(repeating: "(not ", count: depth)
      #expect(code { try Template("{{not \(calls)") } == .depthExceeded)
      let sections = String(repeating: "{{#a}}", count: depth) + String(repeating: "{{/a}}", count: depth)
      #expect(code { try Template(sections, options: TemplateOptions(dialect: .mustache)) } == .depthExceeded)
      let chain = "{{#if a}}" + String(repeating: "{{else if a}}", count: depth) + "{{/if}}"
      #expect(code { try Template(chain) } == .depthExceeded)
    }
  }

  @Test func workIsLimited() throws {
    var settings = RenderSettings()
    settings.limits.fuel = 10_000
    settings.limits.outputBytes = 10_000
    let rows = TemplateValue.array(Array(repeating: 1, count: 1000))
    let nested = try Template("{{#each r}}{{#each ../r}}{{#each ../../r}}{{/each}}{{/each}}{{/each}}")
    #expect(code { try nested.render(["r": rows], settings: settings) } == .fuelExhausted)
    let long = try Template("{{#each r}}0123456789ab{{/each}}")
    #expect(code { try long.render(["r": rows], settings: settings) } == .outputExceeded)
    for helper in [
      "{{repeat x 1000000000000}}", "{{padStart x 100000}}", "{{replace (repeat x 9000) 'a' 'aaaaaaaa'}}",
      "{{join (range 0 9000) (repeat x 9000)}}", "{{concat (repeat x 9000) (repeat x 9000)}}",
      "{{repeat x 9223372036854775807}}",
    ] {
      #expect(code { try Template(helper).render(["x": "a"], settings: settings) } == .outputExceeded, "\(helper)")
    }
    #expect(code { try Template("{{range 0 10000000}}").render([:]) } == .helperFailed)
    #expect(code { try Template("{{range -9223372036854775807 9223372036854775807}}").render([:]) } == .helperFailed)
  }

  @Test func growingValuesAreLimited() throws {
    for (hash, use) in [
      ("x=(concat x x)", "{{x}}"), ("x=(list x x)", "{{json x}}"), ("x=(list x x)", "{{concat x}}"),
      ("x=(list x x)", "{{eq x x}}"), ("x=(object a=x b=x)", "{{json x}}"),
    ] {
      let source = "\(use){{> main \(hash)}}"
      let template = try set([("main", source)]).template("main")
      #expect(code { try template.render(["x": "aaaaaaaa"]) } != nil, "\(source)")
    }
  }

  @Test func theBufferIsAsItWasAfterAnError() throws {
    var buffer = Array("before".utf8)
    let template = try Template("text {{x}}")
    #expect(throws: TemplateError.self) { try template.render([:], into: &buffer) }
    #expect(buffer == Array("before".utf8))
  }

  @Test func deadlinesHold() throws {
    let clock = ManualClock()
    var settings = RenderSettings(clock: clock)
    settings.limits.deadline = clock.now.advanced(by: .seconds(1))
    var options = TemplateOptions()
    options.helpers["wait"] = Helper { _ in
      clock.advance(by: .milliseconds(1))
      return ""
    }
    let template = try Template("{{#each r}}{{wait}}{{/each}}", options: options)
    let rows = TemplateValue.array(Array(repeating: 1, count: 100_000))
    #expect(code { try template.render(["r": rows], settings: settings) } == .deadlineExceeded)
  }

  @Test(arguments: [
    "constructor", "__proto__", "prototype", "toString", "hasOwnProperty", "valueOf", "__defineGetter__", "self",
    "init",
    "storage", "members", "count", "hashValue", "description",
  ])
  func namesOfLanguagesAreOrdinaryNames(_ name: String) throws {
    let lenient = TemplateOptions(missing: .lenient)
    let source = "[{{\(name)}}{{this.\(name)}}{{lookup this '\(name)'}}{{a.\(name)}}{{b.\(name)}}{{c.\(name).\(name)}}]"
    #expect(try Template(source, options: lenient).render(["a": [1], "b": "t", "c": [:]]) == "[]")
    let own = try Template("{{this.[\(name)]}}", options: lenient)
    #expect(try own.render(.object(TemplateObject([(name, TemplateValue.string("own"))]))) == "own")
  }

  @Test func encodedValuesShowOnlyWhatTheyEncode() throws {
    struct Patient: Encodable {
      let name: String
      private let secret = "hidden"
      var derived: String { "derived" }
      enum CodingKeys: String, CodingKey { case name }
    }
    let template = try Template("{{name}}{{secret}}{{derived}}", options: TemplateOptions(missing: .lenient))
    #expect(try template.render(TemplateValue(encoding: Patient(name: "Ada"))) == "Ada")
  }

  @Test func dataIsNeverATemplate() throws {
    let lenient = TemplateOptions(missing: .lenient)
    let value: TemplateValue = ["x": "{{secret}}{{> main}}", "secret": "no"]
    #expect(try Template("{{x}}", options: lenient).render(value) == "{{secret}}{{&gt; main}}")
    let set = try TemplateSet([
      .init(name: "main", text: "{{> (lookup . 'x')}}", options: lenient), .init(name: "p", text: "", isPartial: true),
    ])
    for name in ["../main", "/etc/passwd", "{{secret}}", "", "p "] {
      #expect(code { try set.template("main").render(["x": .string(name)]) } == .unknownPartial)
    }
  }

  @Test func errorsNeverShowData() throws {
    let secret = "SSN-123-45-6789"
    for source in [
      "{{formatDate x}}", "{{formatCurrency x}}", "{{add x 1}}", "{{lt x 1}}", "{{patientAge x}}", "{{sum (list x)}}",
      "{{y}}", "{{formatDate '2020-01-01' x}}", "{{> (lookup . 'x')}}",
      "{{#with x}}{{> (lookup .. 'x') a=this}}{{/with}}",
      "{{round x}}", "{{truncate 'a' x}}", "{{range x 3}}", "{{repeat 'a' x}}", "{{addDays x 1}}", "{{formatNumber x}}",
    ] {
      let error = #expect(throws: TemplateError.self, "\(source)") {
        try Template(source).render(["x": .string(secret)])
      }
      #expect(error?.description.contains("6789") == false)
    }
    for source in [
      "<%- include(x) %>", "<%= x * 2 %>", "<%= -x %>", "<%= x < 1 %>", "<%= list(x) + 1 %>", "<%= x + y %>",
      "<%= x / 0 %>",
    ] {
      let error = #expect(throws: TemplateError.self, "\(source)") {
        try Template(source, options: TemplateOptions(dialect: .ejs)).render(["x": .string(secret)])
      }
      #expect(error?.description.contains("6789") == false)
    }
  }
}
