import HTTPTypes
import Logging
import MainstayHTTP
import MainstayKernel
import MainstayTesting
import NIOPosix
import Testing

@testable import MainstayHTTPServer

/// A server on a free port of this machine, without a host around it.
struct TestServer {
  let server: HTTPServer
  let state: ServingState

  var port: Int? { server.port }

  /// Runs `body` against a server of these routes, and stops it.
  static func run(
    _ routes: Routes, phase: ServingPhase = .serving, bodyLimit: Int = 1 << 20, tls: TLSContext? = nil,
    logger: Logger = .silent, settings change: (inout HTTPServer.Settings) -> Void = { _ in },
    _ body: (TestServer) async throws -> Void
  ) async throws {
    var settings = HTTPServer.Settings()
    settings.farewell = .milliseconds(20)
    change(&settings)
    let table = RouteTable([Contributed(plugin: "test", value: routes)], aliases: .standard)
    let state = ServingState(phase)
    let pipeline = RequestPipeline(
      routes: { table }, state: state, access: AccessControl(authenticators: { [] }, remedy: "Nobody is known."),
      bodyLimit: bodyLimit, logger: logger)
    let server = try await HTTPServer.listen(
      settings, pipeline: pipeline, tls: tls, group: MultiThreadedEventLoopGroup.singleton, logger: logger)
    do {
      try await body(TestServer(server: server, state: state))
    } catch {
      await server.abort()
      throw error
    }
    _ = await server.drain()
    #expect(server.registry.inFlight == 0)
    try await eventually("every connection is closed") { server.registry.count == 0 }
  }

  func connect() async throws -> RawClient { try await RawClient.connect(port: port) }

  /// Sends bytes on a new connection and returns all that comes until the server closes it.
  func exchange(_ text: String) async throws -> String {
    let client = try await connect()
    try await client.send(text)
    let answer = try await client.receiveAll()
    #expect(client.error == nil, "the connection was reset")
    await client.close()
    return answer
  }
}

/// A request without a body, as it stands on the wire.
func request(_ line: String, _ headers: String...) -> String {
  ([line, "Host: test"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
}

extension Routes {
  /// What the tests of the protocol call.
  static let sample: Routes = [
    .get("/hello", "Greets.", access: .open) { _, _ in .text("hello") },
    .get("/hello/{name}", "Greets by name.", access: .open) { _, context in
      .text("hello \(try context.parameter("name"))")
    },
    .post("/echo", "Returns the body.", access: .open) { request, context in
      .text(String(buffer: try await context.body(of: request)))
    },
    .post("/ignore", "Does not read its body.", access: .open) { _, _ in .text("ignored") },
    .get("/stream", "Writes three chunks.", access: .open) { _, _ in
      Response(
        status: .ok,
        body: .init { writer in
          for part in ["one ", "two ", "three"] { try await writer.write(ByteBuffer(string: part)) }
          try await writer.finish(nil)
        })
    },
    .get("/probe", "Answers always.", access: .open) { _, _ in .text("probe") }.availableWhileDraining(),
    .get("/closed", "For known callers.") { _, _ in .text("secret") },
  ]
}
