import MainstayKernel
import MainstayTemplating
import Synchronization
import Testing

/// The cases of the Mustache specification, the required and the optional ones.
@Suite struct MustacheSuiteTests {
  static let files = [
    "comments", "delimiters", "interpolation", "inverted", "partials", "sections", "~dynamic-names", "~inheritance",
    "~lambdas",
  ]

  @Test(arguments: files) func passes(_ file: String) throws {
    var tally = Tally()
    for test in try #require(try Suite.file("mustache/\(file).json")["tests"]?.arrayValue) {
      let name = test["name"]?.stringValue ?? ""
      tally.check(name, try outcome(of: test, named: name), test["expected"]?.stringValue ?? "")
    }
    tally.report("mustache/\(file)")
    #expect(tally.failed == [])
    #expect(tally.passed > 9)
  }

  private func outcome(of test: JSONValue, named name: String) throws -> String {
    var options = TemplateOptions(dialect: .mustache, output: .uniformHTML, missing: .lenient)
    options.helpers = HelperTable()
    var sources = [TemplateSet.Source(name: "main", text: test["template"]?.stringValue ?? "", options: options)]
    for (partial, text) in test["partials"]?.objectValue ?? [:] {
      sources.append(.init(name: partial, text: text.stringValue ?? "", options: options, isPartial: true))
    }
    do {
      return try TemplateSet(sources).template("main").render(Lambdas.data(of: test, named: name))
    } catch {
      return "error: \(error)"
    }
  }
}

/// The functions that the suite gives in JavaScript and other languages.
private enum Lambdas {
  static func data(of test: JSONValue, named name: String) -> TemplateValue {
    guard let data = test["data"] else { return .undefined }
    guard data["lambda"]?["js"] != nil, case .object(let object) = TemplateValue(data) else {
      return TemplateValue(data)
    }
    return .object(object.merging([("lambda", .lambda(TemplateLambda(body(named: name))))]))
  }

  private static func body(named name: String) -> Helper.Body {
    switch name {
    case "Interpolation": return { _ in "world" }
    case "Interpolation - Expansion": return { _ in "{{planet}}" }
    case "Interpolation - Alternate Delimiters": return { _ in "|planet| => {{planet}}" }
    case "Interpolation - Multiple Calls":
      let counter = Counter()
      return { _ in .integer(counter.next()) }
    case "Escaping": return { _ in ">" }
    case "Section": return { $0.sectionText == "{{x}}" ? "yes" : "no" }
    case "Section - Expansion": return { .string(($0.sectionText ?? "") + "{{planet}}" + ($0.sectionText ?? "")) }
    case "Section - Alternate Delimiters":
      return { .string(($0.sectionText ?? "") + "{{planet}} => |planet|" + ($0.sectionText ?? "")) }
    case "Section - Multiple Calls": return { .string("__" + ($0.sectionText ?? "") + "__") }
    default: return { _ in false }
    }
  }

  private final class Counter: Sendable {
    private let calls = Mutex<Int64>(0)
    func next() -> Int64 {
      calls.withLock {
        $0 += 1
        return $0
      }
    }
  }
}
