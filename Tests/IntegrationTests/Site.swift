import AsyncHTTPClient
import MainstayHTTP
import MainstayKernel
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// A running host as its clients see it: over real sockets.
struct Site: Sendable {
  let address: String
  let client: HTTPClient

  struct Answer: Sendable {
    let status: Int
    let text: String

    var json: JSONValue { get throws { try JSONValue(parsing: text) } }
  }

  /// Runs `body` with a client that opens as many connections as it is asked for.
  static func of(_ host: Kernel, _ body: (Site) async throws -> Void) async throws {
    let address = try #require(host.events.last(HTTPListening.self)).address
    var configuration = HTTPClient.Configuration()
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 2000
    let client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    do {
      try await body(Site(address: address, client: client))
    } catch {
      try await client.shutdown()
      throw error
    }
    try await client.shutdown()
  }

  /// Asks. With `anew`, over a connection of its own.
  func get(_ path: String, anew: Bool = false) async throws -> Answer {
    var request = HTTPClientRequest(url: address + path)
    if anew { request.headers.add(name: "connection", value: "close") }
    let response = try await client.execute(request, deadline: .now() + .seconds(60))
    let body = try await response.body.collect(upTo: 1 << 20)
    return Answer(status: Int(response.status.code), text: String(buffer: body))
  }
}
