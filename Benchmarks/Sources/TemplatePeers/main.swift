import Glibc
import Mustache
import Stencil

// The work of TemplateBenchmarks in swift-mustache and Stencil. Stencil does not escape; the filter does it here, so that
// both write the same bytes.

let tableBytes = 7_910

let data: [String: Any] = [
  "title": "Visits",
  "rows": (0..<100).map { ["id": $0, "name": "Patient <\($0)>", "note": "a & b", "amount": "12.50"] as [String: Any] },
]

func best(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
  var least = Double.infinity
  for _ in 0..<4 {
    let start = used()
    for _ in 0..<count { try body() }
    least = min(least, (used() - start) / Double(count))
  }
  return least
}

func used() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

func row(_ name: String, _ count: Int, _ render: () throws -> String) throws {
  let bytes = try render().utf8.count
  guard bytes == tableBytes else {
    let message = "\(name) writes \(bytes) bytes, not \(tableBytes)\n"
    write(STDERR_FILENO, message, message.utf8.count)
    exit(1)
  }
  print("\(name)\t\(try best(count) { _ = try render() })")
}

let mustache = try MustacheTemplate(
  string: """
    <h1>{{title}}</h1><table>{{#rows}}<tr><td>{{id}}</td><td>{{name}}</td><td>{{note}}</td><td>{{amount}}</td></tr>\
    {{/rows}}</table>
    """)
try row("swift-mustache.table", 60) { mustache.render(data) }

let filters = Extension()
filters.registerFilter("e") { (value: Any?) in
  var text = ""
  for character in value.map({ "\($0)" }) ?? "" {
    switch character {
    case "&": text += "&amp;"
    case "<": text += "&lt;"
    case ">": text += "&gt;"
    case "\"": text += "&quot;"
    default: text.append(character)
    }
  }
  return text
}
let stencil = Template(
  templateString: """
    <h1>{{ title|e }}</h1><table>{% for r in rows %}<tr><td>{{ r.id|e }}</td><td>{{ r.name|e }}</td><td>{{ r.note|e }}</td>\
    <td>{{ r.amount|e }}</td></tr>{% endfor %}</table>
    """, environment: Environment(extensions: [filters]))
try row("stencil.table", 12) { try stencil.render(data) }
