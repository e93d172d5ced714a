import Glibc
import MainstayTemplating

/// The 100-row table, its compilation, and 100 partials, in processor time: the least of several rounds.
///
/// Prints one JSON line a figure, in microseconds, beside which `run` lays what the peers print.
@main enum TemplateBenchmarks {
  static let source =
    "<h1>{{title}}</h1><table>{{#each rows}}<tr><td>{{id}}</td><td>{{name}}</td><td>{{note}}</td><td>{{amount}}</td></tr>{{/each}}</table>"

  static let data: TemplateValue = [
    "title": "Visits",
    "rows": .array(
      (0..<100).map {
        ["id": .integer(Int64($0)), "name": .string("Patient <\($0)>"), "note": "a & b", "amount": "12.50"]
      }),
  ]

  static func main() throws {
    var buffer: [UInt8] = []
    let table = try Template(source)
    try table.render(data, into: &buffer)
    let bytes = buffer.count
    let render = try best(2000) {
      buffer.removeAll(keepingCapacity: true)
      try table.render(data, into: &buffer)
    }
    let compile = try best(1000) { _ = try Template(source) }
    let partials = try TemplateSet([
      .init(name: "main", text: "{{#each rows}}{{> row}}{{/each}}"),
      .init(name: "row", text: "<p>{{name}} {{amount}}</p>", isPartial: true),
    ]).template("main")
    let calls = try best(1000) {
      buffer.removeAll(keepingCapacity: true)
      try partials.render(data, into: &buffer)
    }
    print(
      "{\"peer\":\"MainstayTemplating\",\"bytes\":\(bytes),\"render\":\(render),\"compile\":\(compile),\"partials\":\(calls)}"
    )
  }

  static func best(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
    var least = Double.infinity
    for _ in 0..<14 {
      let start = used()
      for _ in 0..<count { try body() }
      least = min(least, (used() - start) / Double(count))
    }
    return least
  }

  /// Microseconds of processor time.
  static func used() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
  }
}
