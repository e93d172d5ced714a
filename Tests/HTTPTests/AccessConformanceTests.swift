import AsyncHTTPClient
import MainstayHTTP
import MainstayHTTPServer
import MainstayHealth
import MainstayKernel
import MainstayTesting
import NIOCore
import NIOHTTP1
import Testing

/// What holds for every route of a host, whoever contributed it.
@Suite struct AccessConformanceTests {
  private static let manifest = """
    host: { environment: production }
    plugins:
      http: { port: 0, auth: { api_keys: [{ name: eve, key: 0123456789abcdef, roles: [nothing] }] } }
      health: {}
      sample: {}
    """

  @Test func everyRouteButTheOpenOnesRefusesStrangers() async throws {
    try await withHost([HTTPPlugin.self, HealthPlugin.self, SamplePlugin.self], manifest: Self.manifest) { host in
      let address = try #require(host.events.last(HTTPListening.self)).address
      let operations = try await Self.operations(address)
      #expect(operations.count >= 9)
      for operation in operations {
        let status = try await Self.status(operation, address, key: nil)
        switch operation.access {
        case "open": #expect(status < 400, "\(operation)")
        default: #expect(status == 401, "\(operation)")
        }
        // A known caller without the role gets no further.
        if operation.access.hasPrefix("role") {
          #expect(try await Self.status(operation, address, key: "0123456789abcdef") == 403, "\(operation)")
        }
      }
      let open = Set(operations.filter { $0.access == "open" }.map(\.path))
      #expect(open == ["/live", "/ready", "/startup", "/health", "/openapi.json", "/sample/open"])
    }
  }

  @Test func aHostWithoutKeysAnswersOnlyOpenRoutes() async throws {
    let manifest = "host: { environment: production }\nplugins: { http: { port: 0 }, health: {}, sample: {} }"
    try await withHost([HTTPPlugin.self, HealthPlugin.self, SamplePlugin.self], manifest: manifest) { host in
      let address = try #require(host.events.last(HTTPListening.self)).address
      for operation in try await Self.operations(address) where operation.access != "open" {
        for key in [nil, "0123456789abcdef"] {
          let (status, body) = try await Self.answer(operation, address, key: key)
          #expect(status == 401, "\(operation)")
          #expect(body.contains("plugins.http.auth.api_keys"), "\(body)")
        }
      }
    }
  }

  private struct Operation: CustomStringConvertible {
    let method: String
    let path: String
    let access: String
    var description: String { "\(method) \(path) (\(access))" }
  }

  private static func operations(_ address: String) async throws -> [Operation] {
    let response = try await HTTPClient.shared.execute(
      HTTPClientRequest(url: address + "/openapi.json"), timeout: .seconds(10))
    let document = try JSONValue(parsing: Array(try await response.body.collect(upTo: 1 << 20).readableBytesView))
    let paths = try #require(document["paths"]?.objectValue)
    return paths.flatMap { path, item in
      (item.objectValue ?? [:]).map { method, operation in
        Operation(
          method: method.uppercased(), path: path, access: operation["x-mainstay-access"]?.stringValue ?? "unknown")
      }
    }
  }

  private static func status(_ operation: Operation, _ address: String, key: String?) async throws -> UInt {
    try await answer(operation, address, key: key).status
  }

  private static func answer(
    _ operation: Operation, _ address: String, key: String?
  ) async throws -> (status: UInt, body: String) {
    var request = HTTPClientRequest(url: address + operation.path.replacing("{id}", with: "1"))
    request.method = HTTPMethod(rawValue: operation.method)
    if let key { request.headers.add(name: "X-API-Key", value: key) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
    let body = try await response.body.collect(upTo: 1 << 20)
    return (response.status.code, String(buffer: body))
  }
}

/// Routes of every kind.
private struct SamplePlugin: Plugin {
  static let manifest = PluginManifest(
    name: "sample", version: "1.0.0", summary: "Routes of every kind.", contributes: [.point(.httpRoutes)])

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    try context.contribute([
      .get("/sample/open", "Open.", access: .open) { _, _ in .text("open") },
      .get("/sample/known", "For those who are known.") { _, _ in .text("known") },
      .post("/sample/{id}", "For operators.", access: .role("operator")) { _, _ in .text("operator") },
      .delete("/sample/{id}", "For admins.", access: .role("admin")) { _, _ in .text("admin") },
    ])
  }
}
