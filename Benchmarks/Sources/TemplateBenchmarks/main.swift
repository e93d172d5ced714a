import Glibc
import MainstayTemplating

// Templates: a table of 100 rows in the three engines, with values that have to be escaped; its compilation; 100 partials.
// Prints one line a benchmark: name and nanoseconds of CPU time, the least of several rounds. The peers do the same work on
// the same data and write the same bytes, which each of them checks.

let tableBytes = 7_910
let partialsBytes = 3_090

let data: TemplateValue = [
  "title": "Visits",
  "rows": .array(
    (0..<100).map {
      ["id": .integer(Int64($0)), "name": .string("Patient <\($0)>"), "note": "a & b", "amount": "12.50"]
    }),
]

let handlebars = """
  <h1>{{title}}</h1><table>{{#each rows}}<tr><td>{{id}}</td><td>{{name}}</td><td>{{note}}</td><td>{{amount}}</td></tr>\
  {{/each}}</table>
  """
let mustache = handlebars.replacing("#each rows", with: "#rows").replacing("/each", with: "/rows")
let ejs = """
  <h1><%= title %></h1><table><% rows.forEach(function(row) { %><tr><td><%= row.id %></td><td><%= row.name %></td>\
  <td><%= row.note %></td><td><%= row.amount %></td></tr><% }) %></table>
  """

/// CPU time of one operation in nanoseconds, the least of several rounds.
func best(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
  var least = Double.infinity
  for _ in 0..<10 {
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

func rendering(_ name: String, _ template: Template, bytes: Int, _ count: Int = 1500) throws {
  var buffer: [UInt8] = []
  try template.render(data, into: &buffer)
  guard buffer.count == bytes else {
    let message = "\(name) writes \(buffer.count) bytes where its peers write \(bytes)\n"
    write(STDERR_FILENO, message, message.utf8.count)
    exit(1)
  }
  let time = try best(count) {
    buffer.removeAll(keepingCapacity: true)
    try template.render(data, into: &buffer)
  }
  print("\(name)\t\(time)")
}

try rendering("templates.table", Template(handlebars), bytes: tableBytes)
try rendering("templates.table.mustache", Template(mustache, options: .init(dialect: .mustache)), bytes: tableBytes)
try rendering("templates.table.ejs", Template(ejs, options: .init(dialect: .ejs)), bytes: tableBytes)
try rendering(
  "templates.table.uniform", Template(handlebars, options: .init(output: .uniformHTML)), bytes: tableBytes)
let partials = try TemplateSet([
  .init(name: "main", text: "{{#each rows}}{{> row}}{{/each}}"),
  .init(name: "row", text: "<p>{{name}} {{amount}}</p>", isPartial: true),
])
try rendering("templates.partials", partials.template("main"), bytes: partialsBytes)
print("templates.compile\t\(try best(1000) { _ = try Template(handlebars) })")
