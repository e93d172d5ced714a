import Foundation
import FoundationNetworking
import Testing

/// `docs/glossary.md` names only what the stock host has.
@Suite(.timeLimit(.minutes(5))) struct GlossaryTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test func endpointsMetricsAndEventsAreThere() async throws {
    let glossary = try Glossary(Self.root)
    let folder = try Folder(
      manifest: """
        plugins:
          http: { port: 0 }
          health: {}
          metrics: { access: open }
          retry: {}
          validator: {}
          templates: {}
          dev_services: {}
          pool: {}
        """)
    let host = try folder.start("run")
    try host.wait(for: "ready in")
    let port = try #require(host.errors.split(separator: "http://127.0.0.1:").last?.prefix { $0.isNumber })
    #expect(glossary.endpoints.count > 45)
    for (method, path) in glossary.endpoints {
      var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)\(path)")))
      request.httpMethod = method
      let (_, response) = try await URLSession.shared.data(for: request)
      // What is there answers, asks for credentials or for JSON; what is not there answers 404 or 405.
      let status = try #require(response as? HTTPURLResponse).statusCode
      #expect([200, 401, 415].contains(status), "\(method) \(path) answers \(status)")
    }
    let address = try #require(URL(string: "http://127.0.0.1:\(port)/metrics/definitions"))
    let definitions = String(decoding: try await URLSession.shared.data(from: address).0, as: UTF8.self)
    kill(host.process.processIdentifier, SIGTERM)
    _ = try host.end()
    #expect(glossary.metrics.count > 25)
    for metric in glossary.metrics { #expect(definitions.contains(#""name":"\#(metric)""#), "\(metric)") }
    let plugins = try folder.run("plugins", "--json").output
    #expect(glossary.events.count > 20)
    for event in glossary.events { #expect(plugins.contains("\"\(event)\""), "\(event)") }
  }

  /// The tables of keys in the plugins' READMEs are compared with the program elsewhere.
  @Test func variablesSetTheKeysThatItSays() throws {
    let variables = try Glossary(Self.root).variables
    #expect(variables.count > 18)
    for (name, key) in variables {
      let plugin = try #require(key.split(separator: ".").first)
      let rest = key.dropFirst(plugin.count + 1)
      let folder = plugin == "http" ? "HTTP" : plugin.capitalized
      let readme = try String(
        contentsOf: Self.root.appending(path: "Plugins/\(folder)/README.md"), encoding: .utf8)
      let row = readme.split(separator: "\n").first { $0.hasPrefix("| `\(rest)` |") }
      #expect(row?.contains(name) == true, "\(name) does not set \(key)")
    }
  }

  @Test func linksLeadToFiles() throws {
    for link in try Glossary(Self.root).links {
      let file = Self.root.appending(path: "docs").appending(path: link)
      #expect(FileManager.default.fileExists(atPath: file.path), "\(link)")
    }
  }
}

/// What the glossary names.
private struct Glossary {
  var endpoints: [(method: String, path: String)] = []
  var metrics: [String] = []
  var events: [String] = []
  var variables: [(name: String, key: String)] = []
  let links: [String]

  init(_ root: URL) throws {
    let text = try String(contentsOf: root.appending(path: "docs/glossary.md"), encoding: .utf8)
    links = text.matches(of: /\]\(([^)#]+)/).map { String($0.output.1) }
    var section = ""
    var isMetrics = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("## ") { section = String(line.dropFirst(3)) }
      if line.hasPrefix("| metric there ") { isMetrics = true }
      if !line.hasPrefix("|") { isMetrics = false }
      let spans = line.matches(of: /`([^`]+)`/).map { String($0.output.1) }
      for span in spans {
        // A path with a colon is how it is written there.
        if let match = span.wholeMatch(of: /(GET|POST|DELETE) (\/[^:…]+)/) {
          let path = match.output.2.replacing("{", with: "").replacing("}", with: "")
          endpoints.append((String(match.output.1), String(path)))
        } else if isMetrics, span.wholeMatch(of: /[a-z_]+/) != nil {
          metrics.append(span)
        } else if section != "Variables",
          span.wholeMatch(of: /(pool|health|retry|templates|validator|metrics|http)\.[a-z-]+/) != nil
        {
          events.append(span)
        }
      }
      // Variables, the key, and what holds without them.
      if section == "Variables", line.hasPrefix("|"), let key = spans.first(where: { $0.contains(".") }) {
        variables += spans.prefix { $0 != key }.map { ($0, key) }
      }
    }
  }
}
