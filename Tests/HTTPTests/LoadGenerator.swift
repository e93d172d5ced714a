import NIOCore
import NIOPosix
import Synchronization
import Testing

/// Clients that send requests without a pause and look at every byte that comes back.
final class LoadGenerator: Sendable {
  /// What became of the requests.
  struct Tally: Sendable {
    var answered: [Int: Int] = [:]
    /// Requests that got nothing, or only part of a response.
    var broken: [String] = []
    /// Attempts to connect that were refused.
    var refused = 0
  }

  private let state = Mutex((tally: Tally(), isStopped: false))
  private let port: Int
  private let keepsAlive: Bool

  init(port: Int, keepsAlive: Bool) {
    self.port = port
    self.keepsAlive = keepsAlive
  }

  var tally: Tally { state.withLock { $0.tally } }
  var answered: Int { state.withLock { $0.tally.answered.values.reduce(0, +) } }

  func stop() { state.withLock { $0.isStopped = true } }

  /// Sends requests until stopped, or until nobody listens any more.
  func run() async {
    while !state.withLock({ $0.isStopped }) {
      guard let channel = try? await connect() else {
        state.withLock { $0.tally.refused += 1 }
        return
      }
      do {
        try await channel.executeThenClose { inbound, outbound in try await talk(inbound, outbound) }
      } catch {
        // A request that was under way has been recorded where it broke.
      }
    }
  }

  private func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
    try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
      }
  }

  private func talk(
    _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  ) async throws {
    var iterator = inbound.makeAsyncIterator()
    while !state.withLock({ $0.isStopped }) {
      var received = ""
      do {
        let connection = keepsAlive ? "" : "Connection: close\r\n"
        try await outbound.write(ByteBuffer(string: "GET /hello HTTP/1.1\r\nHost: x\r\n\(connection)\r\n"))
        while !Response.isWhole(received), let buffer = try await iterator.next() { received += String(buffer: buffer) }
        guard let response = Response(received) else { throw Broken() }
        state.withLock { $0.tally.answered[response.status, default: 0] += 1 }
        if response.closes { return }
      } catch {
        state.withLock { $0.tally.broken.append("after \(received.utf8.count) bytes: \(error)") }
        throw error
      }
    }
  }

  private struct Broken: Error {}

  /// A whole response with a declared length.
  private struct Response {
    let status: Int
    let closes: Bool

    init?(_ text: String) {
      guard Self.isWhole(text), let status = Int(text.dropFirst(9).prefix(3)) else { return nil }
      self.status = status
      closes = text.contains("Connection: close\r\n")
    }

    static func isWhole(_ text: String) -> Bool {
      guard let end = text.firstRange(of: "\r\n\r\n"), let field = text.firstRange(of: "Content-Length: ") else {
        return false
      }
      let length = Int(text[field.upperBound...].prefix { $0.isNumber }) ?? 0
      return text[end.upperBound...].utf8.count >= length
    }
  }
}
