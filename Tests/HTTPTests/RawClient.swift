import NIOCore
import NIOPosix
import Synchronization
import Testing

/// A client that sends and receives bytes as they are, for what no HTTP library would send.
final class RawClient: Sendable {
  private struct Received {
    var text = ""
    var isClosed = false
    var error: (any Error)?
  }

  private let received = Mutex(Received())
  private let channel = Mutex<(any Channel)?>(nil)

  static func connect(port: Int?) async throws -> RawClient {
    let client = RawClient()
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Handler(client: client))
        }
      }
      .connect(host: "127.0.0.1", port: #require(port)).get()
    client.channel.withLock { $0 = channel }
    return client
  }

  /// What has come so far.
  var text: String { received.withLock { $0.text } }
  /// Whether the server has closed its side.
  var isClosed: Bool { received.withLock { $0.isClosed } }
  /// Set when the connection was reset.
  var error: (any Error)? { received.withLock { $0.error } }

  func send(_ text: String) async throws {
    let channel = channel.withLock { $0 }
    try await channel?.writeAndFlush(ByteBuffer(string: text))
  }

  func closeOutput() async throws {
    let channel = channel.withLock { $0 }
    try await channel?.close(mode: .output)
  }

  func close() async {
    let channel = channel.withLock { $0 }
    try? await channel?.close()
  }

  /// Everything until the server closes its side.
  func receiveAll() async throws -> String {
    try await eventually("the server closes the connection") { self.isClosed }
    return text
  }

  /// Everything until that text has come.
  @discardableResult
  func receive(until end: String, times: Int = 1) async throws -> String {
    try await eventually("'\(end)' comes, after: \(text.suffix(500))") {
      self.text.components(separatedBy: end) > times
    }
    return text
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let client: RawClient

    init(client: RawClient) { self.client = client }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let text = String(buffer: unwrapInboundIn(data))
      client.received.withLock { $0.text += text }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case ChannelEvent.inputClosed = event { client.received.withLock { $0.isClosed = true } }
    }

    func channelInactive(context: ChannelHandlerContext) {
      client.received.withLock { $0.isClosed = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      client.received.withLock { $0.error = error }
      context.close(promise: nil)
    }
  }
}

extension String {
  /// How many pieces the text falls into.
  fileprivate func components(separatedBy separator: String) -> Int {
    var count = 1
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}

/// Waits for a condition that other tasks bring about; fails after ten seconds.
func eventually(
  _ what: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: @Sendable () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + .seconds(10)
  while try await !condition() {
    guard ContinuousClock.now < deadline else {
      Issue.record("waited in vain: \(what())", sourceLocation: sourceLocation)
      throw CancellationError()
    }
    try await Task.sleep(for: .milliseconds(2))
  }
}
