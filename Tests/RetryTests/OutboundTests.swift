import MainstayKernel
import MainstayResilience
import MainstayTesting
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import MainstayRetry

/// The transport, against a real server.
struct OutboundTests {
  private let timer = DeadlineTimer(clock: SystemClock())

  private func client(_ url: String, _ transport: AsyncHTTPTransport) -> OutboundClient {
    let strategy = RetryStrategy("test", attempts: 3, backoff: .none, attemptTimeout: .seconds(20))
    return OutboundClient(
      ["service": .init(baseURL: url)],
      resilience: Resilience(timer: timer, standard: ServiceSettings(strategy: strategy)), transport: transport,
      longestBody: 1000)
  }

  @Test func repeatsUntilTheServiceAnswers() async throws {
    let server = try await ScriptedServer(["503", "reset", "200 hello"])
    let transport = AsyncHTTPTransport()
    let answer = try await client(server.url, transport).send(OutboundRequest("GET", "/a?b=c"), to: "service")
    #expect(answer.status == 200 && String(decoding: answer.body, as: UTF8.self) == "hello")
    #expect(server.requests == ["GET /base/a?b=c", "GET /base/a?b=c", "GET /base/a?b=c"])
    await transport.stop()
    try await server.stop()
  }

  @Test func sendsAPostOnceIfItMayHaveArrived() async throws {
    let server = try await ScriptedServer(["reset"])
    let transport = AsyncHTTPTransport()
    let error = await #expect(throws: OutboundError.self) {
      try await client(server.url, transport).send(OutboundRequest("POST", "/pay", body: [1, 2]), to: "service")
    }
    #expect(error?.code == .interrupted)
    #expect(server.requests == ["POST /base/pay"])
    await transport.stop()
    try await server.stop()
  }

  @Test func sendsAPostAgainIfItCannotHaveArrived() async throws {
    let server = try await ScriptedServer([])
    let url = server.url
    try await server.stop()
    let transport = AsyncHTTPTransport(connectTimeout: .milliseconds(200))
    let client = client(url, transport)
    let error = await #expect(throws: OutboundError.self) {
      try await client.send(OutboundRequest("POST", "/pay"), to: "service")
    }
    #expect(error?.code == .unreachable && error?.callAdvice == .withoutEffect)
    await transport.stop()
  }

  @Test func followsNoRedirectAndTakesNoEndlessBody() async throws {
    let server = try await ScriptedServer(["302", "200 " + String(repeating: "x", count: 2000)])
    let transport = AsyncHTTPTransport()
    let client = client(server.url, transport)
    #expect(try await client.send(OutboundRequest("GET", "/"), to: "service").status == 302)
    let error = await #expect(throws: OutboundError.self) {
      try await client.send(OutboundRequest("GET", "/"), to: "service")
    }
    #expect(error?.code == .invalid)
    await transport.stop()
    try await server.stop()
  }
}

/// Answers requests by a script: a status and a body, or `reset`.
final class ScriptedServer: Sendable {
  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let next: @Sendable (String) -> String
    private var line = ""

    init(_ next: @escaping @Sendable (String) -> String) { self.next = next }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head): line = "\(head.method.rawValue) \(head.uri)"
      case .body: break
      case .end: answer(next(line), context)
      }
    }

    private func answer(_ text: String, _ context: ChannelHandlerContext) {
      let parts = text.split(separator: " ", maxSplits: 1)
      guard let status = parts.first.flatMap({ Int($0) }) else {
        context.close(promise: nil)
        return
      }
      let body = parts.count > 1 ? String(parts[1]) : ""
      let headers: HTTPHeaders = ["content-length": "\(body.utf8.count)", "location": "/elsewhere"]
      context.write(
        wrapOutboundOut(.head(.init(version: .http1_1, status: .init(statusCode: status), headers: headers))),
        promise: nil)
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
  }

  private let script: SharedScript
  private let channel: any Channel

  init(_ script: [String]) async throws {
    let state = SharedScript(script)
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Handler { state.next($0) })
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    self.script = state
  }

  var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/base" }
  var requests: [String] { script.requests }

  func stop() async throws { try await channel.close() }
}

/// The script and what was asked, for the threads of the server and the test.
private final class SharedScript: Sendable {
  private struct State {
    var script: [String]
    var requests: [String] = []
  }

  private let state: Mutex<State>

  init(_ script: [String]) { state = Mutex(State(script: script)) }

  var requests: [String] { state.withLock { $0.requests } }

  func next(_ request: String) -> String {
    state.withLock { state in
      state.requests.append(request)
      return state.script.isEmpty ? "200" : state.script.removeFirst()
    }
  }
}
