import AsyncHTTPClient
import Glibc
import HTTPTypes
import MainstayResilience
import NIOCore
import NIOHTTP1
import NIOPosix

/// Sends outbound requests with AsyncHTTPClient.
struct AsyncHTTPTransport: OutboundTransport {
  private let client: HTTPClient

  /// Connections are kept and shared. A connection that does not come about within `connectTimeout` is given up.
  init(connectTimeout: Duration = .seconds(10)) {
    var configuration = HTTPClient.Configuration()
    configuration.timeout.connect = .nanoseconds(Int64(connectTimeout / .nanoseconds(1)))
    // A redirect would carry credentials to another host, and past the breaker of this one.
    configuration.redirectConfiguration = .disallow
    client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
  }

  /// Closes all connections.
  func stop() async { try? await client.shutdown() }

  func send(
    _ request: OutboundRequest, url: String, service: String, longestBody: Int
  ) async throws -> OutboundResponse {
    var outgoing = HTTPClientRequest(url: url)
    outgoing.method = HTTPMethod(rawValue: request.method)
    for (name, value) in request.headers { outgoing.headers.add(name: name, value: value) }
    if !request.body.isEmpty { outgoing.body = .bytes(ByteBuffer(bytes: request.body)) }
    do {
      // Deadlines are set by the layers around, which cancel the task.
      let response = try await client.execute(outgoing, deadline: .distantFuture)
      let body = try await response.body.collect(upTo: longestBody)
      return OutboundResponse(
        status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) },
        body: Array(body.readableBytesView))
    } catch let error as CancellationError {
      throw error
    } catch let error as HTTPClientError where error == .cancelled {
      throw CancellationError()
    } catch {
      throw OutboundError(Self.code(error), service: service, detail: Self.detail(error))
    }
  }

  private static func code(_ error: any Error) -> OutboundError.Code {
    switch error {
    case is NIOConnectionError: return .unreachable
    case let error as HTTPClientError:
      let unreachable: [HTTPClientError] = [
        .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .proxyAuthenticationRequired,
      ]
      if unreachable.contains(error) { return .unreachable }
      let invalid: [HTTPClientError] = [.invalidURL, .emptyHost, .emptyScheme, .identityCodingIncorrectlyPresent]
      return invalid.contains(error) ? .invalid : .interrupted
    case let error as IOError where error.errnoCode == ECONNREFUSED: return .unreachable
    case is NIOTooManyBytesError: return .invalid
    default: return .interrupted
    }
  }

  /// The kind of error: texts of libraries may hold URLs with keys in them.
  private static func detail(_ error: any Error) -> String {
    switch error {
    case let error as HTTPClientError: error.shortDescription
    case is NIOConnectionError: "no connection"
    case is NIOTooManyBytesError: "the answer is larger than allowed"
    default: "\(type(of: error))"
    }
  }
}
