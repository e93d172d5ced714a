import HTTPTypes
import MainstayHTTP
import MainstayKernel
import NIOCore
import Testing

@testable import MainstayHTTPServer

/// How a server ends.
@Suite(.timeLimit(.minutes(2)))
struct DrainTests {
  private let gate = DrainSignal()
  /// Given by the handler of `/wait`: it has the request, and nobody refuses it any more.
  private let arrived = DrainSignal()

  private var routes: Routes {
    let (gate, arrived) = (gate, arrived)
    var routes = Routes.sample
    routes.routes.append(
      .get("/wait", "Answers when the test says so.", access: .open) { _, _ in
        arrived.give()
        await gate.wait()
        return .text("waited")
      })
    routes.routes.append(
      .get("/events", "Ends when the server does.", access: .open) { _, context in
        Response(
          status: .ok,
          body: .init { writer in
            try await writer.write(ByteBuffer(string: "open "))
            await context.drain.wait()
            try await writer.write(ByteBuffer(string: "bye"))
            try await writer.finish(nil)
          })
      })
    return routes
  }

  @Test("A load generator that runs through the drain sees no broken response", arguments: [true, false])
  func load(keepsAlive: Bool) async throws {
    for _ in 0..<2 {
      try await TestServer.run(.sample, settings: { $0.farewell = .milliseconds(250) }) { server in
        let generator = LoadGenerator(port: try #require(server.port), keepsAlive: keepsAlive)
        await withTaskGroup(of: Void.self) { group in
          for _ in 0..<16 { group.addTask { await generator.run() } }
          group.addTask {
            try? await eventually("requests are answered") { generator.answered > 500 }
            server.state.advance(to: .leaving)
            let before = generator.answered
            try? await eventually("requests are answered while leaving") { generator.answered > before + 100 }
            _ = await server.server.drain()
          }
          await group.waitForAll()
        }
        let tally = generator.tally
        #expect(tally.broken == [])
        #expect(tally.answered[503, default: 0] > 0 && tally.answered[200, default: 0] > 500)
        #expect(Set(tally.answered.keys) == [200, 503])
      }
    }
  }

  @Test("While the host leaves, responses end their connections; probes tell the state")
  func leaving() async throws {
    try await TestServer.run(routes) { server in
      server.state.advance(to: .leaving)
      let text = try await server.exchange(request("GET /hello HTTP/1.1"))
      #expect(text.hasPrefix("HTTP/1.1 200") && text.contains("Connection: close\r\n"))
    }
  }

  @Test(
    "In the drain: in-flight requests finish, new ones get 503, probes answer, streams are told, then all is closed")
  func drain() async throws {
    try await TestServer.run(routes, settings: { $0.farewell = .milliseconds(30) }) { server in
      let inFlight = try await server.connect()
      try await inFlight.send(request("GET /wait HTTP/1.1"))
      let stream = try await server.connect()
      try await stream.send(request("GET /events HTTP/1.1"))
      try await stream.receive(until: "open ")
      let idle = try await server.connect()
      try await idle.send(request("GET /hello HTTP/1.1"))
      try await idle.receive(until: "hello")
      try await eventually("two requests are in flight") { server.server.registry.inFlight == 2 }
      await arrived.wait()

      let drained = Task { await server.server.drain() }
      try await eventually("new requests are refused") { server.state.phase == .refusing }
      let refused = try await server.exchange(request("GET /hello HTTP/1.1"))
      #expect(refused.hasPrefix("HTTP/1.1 503") && refused.contains("Connection: close\r\n"))
      #expect(refused.contains("Retry-After: ") && refused.contains("application/problem+json"))
      #expect(try await server.exchange(request("GET /probe HTTP/1.1")).hasSuffix("probe"))
      let kept = try await server.connect()
      try await kept.send(request("GET /probe HTTP/1.1"))
      #expect(try await kept.receiveAll().contains("Connection: close\r\n"))

      try await stream.receive(until: "bye\r\n0\r\n\r\n")
      gate.give()
      let answer = try await inFlight.receiveAll()
      #expect(answer.hasSuffix("waited") && answer.contains("Connection: close\r\n"))
      // Not by the number alone, which may be part of a request id.
      #expect(try await !idle.receiveAll().contains("HTTP/1.1 503"))
      _ = try await stream.receiveAll()
      let report = await drained.value
      #expect(report.finished == 2 && report.abandoned == 0)
      let port = try #require(server.port)
      await #expect(throws: (any Error).self) { _ = try await RawClient.connect(port: port) }
    }
  }

  @Test("When its time is up, what is left is cut off and counted")
  func forced() async throws {
    try await TestServer.run(routes) { server in
      let client = try await server.connect()
      try await client.send(request("GET /wait HTTP/1.1"))
      await arrived.wait()
      let drained = Task { await server.server.drain() }
      try await eventually("new requests are refused") { server.state.phase == .refusing }
      drained.cancel()
      let report = await drained.value
      #expect(report.abandoned == 1)
      _ = try await client.receiveAll()
    }
  }

  @Test("While the host starts, what is not served yet gets 503, what is gets its answer")
  func starting() async throws {
    try await TestServer.run(.sample, phase: .starting) { server in
      let missing = try await server.exchange(request("GET /later HTTP/1.1", "Connection: close"))
      #expect(missing.hasPrefix("HTTP/1.1 503") && missing.contains("Retry-After: 1\r\n"))
      let there = try await server.exchange(request("GET /hello HTTP/1.1", "Connection: close"))
      #expect(there.hasPrefix("HTTP/1.1 200"))
      server.state.advance(to: .serving)
      let gone = try await server.exchange(request("GET /later HTTP/1.1", "Connection: close"))
      #expect(gone.hasPrefix("HTTP/1.1 404"))
    }
  }
}
