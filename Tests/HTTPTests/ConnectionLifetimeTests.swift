import MainstayHTTP
import Testing

@testable import MainstayHTTPServer

/// What a server keeps of connections that are over: nothing.
@Suite struct ConnectionLifetimeTests {
  private struct Weak {
    weak var connection: HTTPConnection?
  }

  @Test(arguments: ["GET /hello HTTP/1.1", "GET /nowhere HTTP/1.1", "nonsense"])
  func connectionThatEndedIsLetGo(line: String) async throws {
    try await TestServer.run(.sample) { test in
      let client = try await test.connect()
      try await client.send(request(line))
      try await eventually("it has answered") { !client.text.isEmpty }
      let connections = test.server.registry.open.map { Weak(connection: $0) }
      #expect(connections.count == 1)
      await client.close()
      try await eventually("it is let go") { connections.allSatisfy { $0.connection == nil } }
    }
  }
}
