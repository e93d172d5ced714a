import Foundation
import MainstayHTTP
import MainstayTesting
import NIOPosix
import Testing

@testable import MainstayHTTPServer

/// One server after another at the same address.
@Suite(.timeLimit(.minutes(1)))
struct SuccessionTests {
  private func listen(_ address: HTTPServer.Settings.Address, _ succession: Duration) async throws -> HTTPServer {
    var settings = HTTPServer.Settings()
    settings.address = address
    settings.succession = succession
    let table = RouteTable([], aliases: .none)
    let pipeline = RequestPipeline(
      routes: { table }, state: ServingState(.serving), access: AccessControl(authenticators: { [] }, remedy: ""),
      bodyLimit: 1, logger: .silent)
    return try await HTTPServer.listen(
      settings, pipeline: pipeline, tls: nil, group: MultiThreadedEventLoopGroup.singleton, logger: .silent)
  }

  @Test("A new server waits for the one of this process that holds its port, whatever their addresses")
  func portIsHandedOn() async throws {
    let first = try await listen(.tcp(host: "127.0.0.1", port: 0), .zero)
    let port = try #require(first.port)
    let second = Task { try await listen(.tcp(host: "0.0.0.0", port: port), .seconds(50)) }
    // It has tried, found the port taken, and tries again.
    try await eventually { OwnListeners.shared.has(.port(port)) }
    await first.abort()
    let server = try await second.value
    #expect(server.port == port)
    await server.abort()
    // The socket's end is heard on its event loop.
    try await eventually { !OwnListeners.shared.has(.port(port)) }
  }

  @Test("So does one at a Unix socket")
  func socketIsHandedOn() async throws {
    let path = "/tmp/mainstay-\(UUID().uuidString).sock"
    let first = try await listen(.unix(path: path), .zero)
    let second = Task { try await listen(.unix(path: path), .seconds(50)) }
    await first.abort()
    let server = try await second.value
    #expect(FileManager.default.fileExists(atPath: path))
    await server.abort()
  }

  @Test("It does not wait for good, and for a stranger not at all")
  func portStaysTaken() async throws {
    let first = try await listen(.tcp(host: "127.0.0.1", port: 0), .zero)
    let address = HTTPServer.Settings.Address.tcp(host: "127.0.0.1", port: try #require(first.port))
    let error = await #expect(throws: HTTPStartError.self) { try await listen(address, .milliseconds(50)) }
    #expect(error?.description.contains("another program") == true)
    await first.abort()
    let stranger = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    let taken = HTTPServer.Settings.Address.tcp(
      host: "127.0.0.1", port: try #require(stranger.localAddress?.port))
    await #expect(throws: HTTPStartError.self) { try await listen(taken, .seconds(86_400)) }
    try await stranger.close()
  }
}
