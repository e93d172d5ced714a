import MainstayKernel
import MainstayTemplating

/// Adds helpers to the templates of the host.
struct GreetingsPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "greetings", version: "1.0.0", summary: "Greets.", contributes: [.point(.templateHelpers)])

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    try context.contribute(
      [
        // {{greet patient.name}}
        "greet": Helper(arguments: 1...1) { call in
          guard let name = call[0].stringValue else { throw call.error("the name is not a text") }
          return .string("Hello \(name)")
        },
        // {{#box "note"}}…{{/box}}: what the block has written is escaped already.
        "box": Helper(arguments: 1...1) { call in
          let kind = call[0].stringValue == "note" ? "note" : "plain"
          return .markup("<div class=\"\(kind)\">\(try call.body())</div>")
        },
      ], to: .templateHelpers)
  }
}
