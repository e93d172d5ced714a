import HTTPTypes
import MainstayHTTP
import MainstayKernel
import MainstayTesting
import NIOCore
import Testing

@testable import MainstayHTTPServer

/// What goes over the wire, byte by byte.
@Suite(.timeLimit(.minutes(1)))
struct ProtocolTests {
  @Test("Two requests on one connection, sent at once, are answered in order")
  func pipelining() async throws {
    try await TestServer.run(.sample) { server in
      let client = try await server.connect()
      try await client.send(
        request("GET /hello/1 HTTP/1.1") + "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
          + request("GET /hello/3 HTTP/1.1", "Connection: close"))
      let text = try await client.receiveAll()
      let order = ["hello 1", "abc", "hello 3"].compactMap { text.firstRange(of: $0)?.lowerBound }
      #expect(order.count == 3 && order == order.sorted())
    }
  }

  @Test("The connection ends after 'Connection: close', however it is written", arguments: ["close", "Close", "CLOSE"])
  func connectionClose(value: String) async throws {
    try await TestServer.run(.sample) { server in
      let text = try await server.exchange(request("GET /hello HTTP/1.1", "Connection: \(value)"))
      #expect(text.hasPrefix("HTTP/1.1 200"))
      #expect(text.contains("Connection: close\r\n"))
      #expect(text.hasSuffix("\r\n\r\nhello"))
    }
  }

  @Test(
    "A transfer coding other than chunked gets 501, and the connection ends",
    arguments: [
      "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: gzip", "Transfer-Encoding: identity",
      "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
    ])
  func transferCodings(header: String) async throws {
    try await TestServer.run(.sample) { server in
      let text = try await server.exchange(request("POST /echo HTTP/1.1", header) + "0\r\n\r\n")
      #expect(text.hasPrefix("HTTP/1.1 501"), "\(text)")
      #expect(text.contains("application/problem+json") && text.contains("Connection: close\r\n"))
    }
  }

  @Test(
    "A body that is chunked twice, or in HTTP/1.0, gets 400, and the connection ends",
    arguments: [
      ("HTTP/1.1", "Transfer-Encoding: chunked, chunked"),
      ("HTTP/1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
      ("HTTP/1.1", "Transfer-Encoding: Chunked,chunked"), ("HTTP/1.0", "Transfer-Encoding: chunked"),
    ])
  func chunkedTwice(version: String, header: String) async throws {
    try await TestServer.run(.sample) { server in
      let text = try await server.exchange(request("POST /echo \(version)", header) + "3\r\nabc\r\n0\r\n\r\n")
      #expect(text.hasPrefix("HTTP/1.") && text.dropFirst(8).hasPrefix(" 400 "), "\(text)")
      #expect(text.contains("Connection: close\r\n") && !text.contains("HTTP/1.1 200"))
    }
  }

  @Test("What stands behind the lengths of chunks may be some, not more than the body is worth")
  func chunkExtensions() async throws {
    let head = request("POST /echo HTTP/1.1", "Connection: close", "Transfer-Encoding: chunked")
    try await TestServer.run(.sample) { server in
      let small = try await server.exchange(head + "3;name=\"value\"\r\nabc\r\n0;last\r\n\r\n")
      #expect(small.hasPrefix("HTTP/1.1 200") && small.hasSuffix("abc"))
      let extended = "1;" + String(repeating: "x", count: 200) + "\r\na\r\n"
      let bodies = ["5;" + String(repeating: "x", count: 200_000), String(repeating: extended, count: 2_000)]
      for body in bodies {
        let client = try await server.connect()
        // The server may have enough before this is all sent.
        try? await client.send(head + body)
        let text = try await client.receiveAll()
        #expect(text.hasPrefix("HTTP/1.1 413"), "\(text.prefix(100))")
        await client.close()
      }
      // Many small chunks are no attack.
      let letters = String(repeating: "1\r\na\r\n", count: 60_000) + "0\r\n\r\n"
      #expect(try await server.exchange(head + letters).hasPrefix("HTTP/1.1 200"))
    }
  }

  @Test("The access log tells the size of every body, whoever made it")
  func accessLog() async throws {
    let log = LogLines()
    try await TestServer.run(.sample, logger: log.logger) { server in
      for path in ["/hello", "/stream", "/nowhere", "/closed"] {
        let text = try await server.exchange(request("GET \(path) HTTP/1.0"))
        let end = try #require(text.firstRange(of: "\r\n\r\n"))
        let size = text[end.upperBound...].utf8.count
        #expect(size > 4)
        try await eventually("\(size) bytes are logged, in \(log.lines)") {
          log.lines.contains { $0.contains("\"bytes\": \(size),") || $0.contains("\"bytes\": \(size)]") }
        }
      }
    }
  }

  @Test("HTTP/1.0 is answered in kind, and the connection ends")
  func oldVersion() async throws {
    try await TestServer.run(.sample) { server in
      #expect(try await server.exchange("GET /hello HTTP/1.0\r\n\r\n").hasPrefix("HTTP/1.0 200"))
      let stream = try await server.exchange("GET /stream HTTP/1.0\r\n\r\n")
      #expect(stream.hasSuffix("\r\n\r\none two three"))
      #expect(!stream.contains("chunked"))
    }
  }

  @Test("HEAD is GET without the body, also where the body is streamed")
  func head() async throws {
    try await TestServer.run(.sample) { server in
      let client = try await server.connect()
      try await client.send(request("HEAD /hello HTTP/1.1") + request("HEAD /stream HTTP/1.1"))
      try await client.send(request("GET /hello/after HTTP/1.1", "Connection: close"))
      let text = try await client.receiveAll()
      #expect(text.contains("Content-Length: 5\r\n"))
      #expect(!text.contains("\r\nhello\r\n") && !text.contains("one") && !text.contains("\r\n0\r\n"))
      #expect(text.hasSuffix("hello after"))
    }
  }

  @Test("A wrong method gets 405 with Allow; OPTIONS tells the methods")
  func methods() async throws {
    try await TestServer.run(.sample) { server in
      let wrong = try await server.exchange(request("DELETE /hello HTTP/1.1", "Connection: close"))
      #expect(wrong.hasPrefix("HTTP/1.1 405"))
      #expect(wrong.contains("Allow: GET, HEAD, OPTIONS\r\n"))
      let options = try await server.exchange(request("OPTIONS /echo HTTP/1.1", "Connection: close"))
      #expect(options.hasPrefix("HTTP/1.1 204"))
      #expect(options.contains("Allow: OPTIONS, POST\r\n"))
      #expect(try await server.exchange(request("OPTIONS * HTTP/1.1", "Connection: close")).hasPrefix("HTTP/1.1 204"))
    }
  }

  @Test("Expect: 100-continue is answered before the body; a final answer spares it; other expectations are refused")
  func expectations() async throws {
    try await TestServer.run(.sample, bodyLimit: 100) { server in
      let client = try await server.connect()
      try await client.send(request("POST /echo HTTP/1.1", "Expect: 100-continue", "Content-Length: 3"))
      try await client.receive(until: "HTTP/1.1 100 Continue\r\n\r\n")
      try await client.send("abc")
      try await client.receive(until: "\r\n\r\nabc")
      await client.close()
      let tooLong = try await server.exchange(
        request("POST /echo HTTP/1.1", "Expect: 100-continue", "Content-Length: 101"))
      #expect(tooLong.hasPrefix("HTTP/1.1 413"))
      #expect(try await server.exchange(request("GET /hello HTTP/1.1", "Expect: tea")).hasPrefix("HTTP/1.1 417"))
    }
  }

  @Test("A body that is too long gets 413, declared or chunked, read or not")
  func bodyLimit() async throws {
    try await TestServer.run(.sample, bodyLimit: 10) { server in
      let declared = "Content-Length: 11\r\n\r\nabcdefghijk"
      let chunked = "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\nghijk\r\n0\r\n\r\n"
      for (path, body) in [("/echo", declared), ("/ignore", declared), ("/echo", chunked)] {
        let text = try await server.exchange("POST \(path) HTTP/1.1\r\nHost: x\r\n\(body)")
        #expect(text.hasPrefix("HTTP/1.1 413"), "\(path)")
        #expect(text.contains("application/problem+json"))
      }
      let fits = try await server.exchange(
        "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
      )
      #expect(fits.hasSuffix("abc"))
    }
  }

  @Test("A response to a long body that nobody reads is not destroyed by it")
  func unreadBody() async throws {
    try await TestServer.run(.sample, bodyLimit: 1 << 30) { server in
      let client = try await server.connect()
      try await client.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n")
      // The server may end the connection while this is on its way; what counts is what arrives.
      try? await client.send(String(repeating: "x", count: 3_000_000))
      let text = try await client.receiveAll()
      #expect(text.hasPrefix("HTTP/1.1 200") && text.hasSuffix("ignored"))
      #expect(text.contains("Connection: close\r\n"))
      await client.close()
    }
  }

  @Test(
    "What is not HTTP gets a problem and the end of the connection",
    arguments: [
      ("garbage\r\n\r\n", 400),
      ("GET /hello HTTP/1.1\r\n\r\n", 400),
      ("GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
      ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
      ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
      ("GET /hello HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n", 400),
      ("GET /\(String(repeating: "x", count: 9000)) HTTP/1.1\r\nHost: x\r\n\r\n", 414),
      ("GET /hello HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "x", count: 40_000))\r\n\r\n", 431),
      ("GET /hello HTTP/1.1\r\nHost: x\r\n\(String(repeating: "X: y\r\n", count: 200))\r\n", 431),
      ("GET hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
    ])
  func malformed(text: String, status: Int) async throws {
    try await TestServer.run(.sample) { server in
      let answer = try await server.exchange(text)
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(200))")
      #expect(answer.contains("application/problem+json") && answer.contains("X-Request-ID: "))
    }
  }

  @Test("A broken chunk reaches the handler as an error, the client as 400")
  func brokenChunk() async throws {
    try await TestServer.run(.sample) { server in
      let text = try await server.exchange(
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
      #expect(text.hasPrefix("HTTP/1.1 400") && text.contains("application/problem+json"))
    }
  }

  @Test("Garbage behind a request: the request is answered, then the garbage is refused")
  func garbageBehind() async throws {
    try await TestServer.run(.sample) { server in
      let text = try await server.exchange(request("GET /hello HTTP/1.1") + "garbage\r\n\r\n")
      #expect(text.hasPrefix("HTTP/1.1 200"))
      #expect(text.contains("\r\n\r\nhelloHTTP/1.1 400"))
    }
  }

  @Test("An absolute target is served as its path")
  func absoluteTarget() async throws {
    try await TestServer.run(.sample) { server in
      let text = try await server.exchange(request("GET http://test/hello HTTP/1.1", "Connection: close"))
      #expect(text.hasSuffix("hello"))
    }
  }

  @Test("An idle connection is closed without a word, a head that trickles in with 408")
  func idleAndSlow() async throws {
    try await TestServer.run(.sample, settings: { $0.limits.idle = .milliseconds(60) }) { server in
      let text = try await server.exchange("")
      #expect(text == "")
    }
    try await TestServer.run(.sample, settings: { $0.limits.head = .milliseconds(60) }) { server in
      let text = try await server.exchange("GET /hello HT")
      #expect(text.hasPrefix("HTTP/1.1 408"))
    }
  }

  @Test("A handler that takes too long is cancelled, its client gets 503; a body that does not come, 408")
  func requestTimeout() async throws {
    let cancelled = DrainSignal()
    let routes: Routes = [
      .get("/slow", "Waits.", access: .open) { _, _ in
        await withTaskCancellationHandler {
          await DrainSignal().wait()
        } onCancel: {
          cancelled.give()
        }
        return .text("too late")
      },
      .get("/patient", "Has time.", access: .open) { _, _ in
        await cancelled.wait()
        return .text("patient")
      }.limited(timeout: .seconds(60)),
      .get("/hasty", "Has none.", access: .open) { _, _ in
        await DrainSignal().wait()
        return .text("too late")
      }.limited(timeout: .milliseconds(30)),
    ]
    try await TestServer.run(routes, settings: { $0.limits.request = .milliseconds(1500) }) { server in
      let patient = try await server.connect()
      try await patient.send(request("GET /patient HTTP/1.1"))
      #expect(try await server.exchange(request("GET /slow HTTP/1.1")).hasPrefix("HTTP/1.1 503"))
      await cancelled.wait()
      try await patient.receive(until: "patient")
      await patient.close()
    }
    try await TestServer.run(.sample, settings: { $0.limits.request = .milliseconds(60) }) { server in
      let text = try await server.exchange("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na")
      #expect(text.hasPrefix("HTTP/1.1 408"))
    }
    try await TestServer.run(routes) { server in
      let text = try await server.exchange(request("GET /hasty HTTP/1.1"))
      #expect(text.hasPrefix("HTTP/1.1 503"))
    }
  }

  @Test("A client that goes away cancels its handler")
  func clientGone() async throws {
    let began = DrainSignal()
    let cancelled = DrainSignal()
    let routes: Routes = [
      .get("/endless", "Never ends.", access: .open) { _, context in
        Response(
          status: .ok,
          body: .init { writer in
            began.give()
            defer { cancelled.give() }
            while true {
              try await writer.write(ByteBuffer(string: "tick\n"))
              try await Task.sleep(for: .milliseconds(5))
            }
          })
      }
    ]
    try await TestServer.run(routes) { server in
      let client = try await server.connect()
      try await client.send(request("GET /endless HTTP/1.1"))
      await began.wait()
      await client.close()
      await cancelled.wait()
    }
  }

  @Test("More connections than allowed wait until one closes")
  func connectionLimit() async throws {
    try await TestServer.run(.sample, settings: { $0.connections = 1 }) { server in
      let first = try await server.connect()
      try await first.send(request("GET /hello HTTP/1.1"))
      try await first.receive(until: "hello")
      var others: [RawClient] = []
      for _ in 0..<8 { others.append(try await server.connect()) }
      let waiting = try #require(others.last)
      try await waiting.send(request("GET /hello HTTP/1.1"))
      #expect(server.server.registry.count < 9)
      await first.close()
      for client in others.dropLast() { await client.close() }
      try await waiting.receive(until: "hello")
      await waiting.close()
    }
  }

  @Test("Request ids are taken over if well-formed, otherwise made, and always returned")
  func requestIDs() async throws {
    try await TestServer.run(.sample) { server in
      let given = try await server.exchange(
        request("GET /nothing HTTP/1.1", "X-Request-ID: abc-123", "Connection: close"))
      #expect(given.contains("X-Request-ID: abc-123\r\n") && given.contains(#""requestId":"abc-123""#))
      for bad in ["a b", String(repeating: "x", count: 129), "<script>"] {
        let text = try await server.exchange(
          request("GET /hello HTTP/1.1", "X-Request-ID: \(bad)", "Connection: close"))
        #expect(text.contains("X-Request-ID: ") && !text.contains(bad))
      }
    }
  }

  @Test("A Unix socket serves, is not taken from a living server, but from a dead one")
  func unixSocket() async throws {
    let path = "/tmp/mainstay-\(HTTPRequestID.random().prefix(12)).sock"
    try await TestServer.run(.sample, settings: { $0.address = .unix(path: path) }) { server in
      #expect(server.server.address == "unix:\(path)")
      await #expect(throws: HTTPStartError.self) {
        try await TestServer.run(.sample, settings: { $0.address = .unix(path: path) }) { _ in }
      }
    }
    try await TestServer.run(.sample, settings: { $0.address = .unix(path: path) }) { _ in }
  }

  @Test("An address in use is an error that says what to do")
  func addressInUse() async throws {
    try await TestServer.run(.sample) { server in
      let port = try #require(server.port)
      let error = await #expect(throws: HTTPStartError.self) {
        try await TestServer.run(.sample, settings: { $0.address = .tcp(host: "127.0.0.1", port: port) }) { _ in }
      }
      #expect(error?.description.contains("127.0.0.1:\(port)") == true)
      #expect(error?.description.contains("plugins.http.port") == true)
    }
  }
}
