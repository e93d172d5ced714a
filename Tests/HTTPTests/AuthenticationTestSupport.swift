import HTTPTypes
import Hummingbird
import Logging
import MainstayHTTP
import MainstayKernel
import MainstayTesting

@testable import MainstayHTTPServer

extension Request {
  /// A request without a body.
  static func test(
    _ path: String, method: HTTPRequest.Method = .get, headers: HTTPFields = [:]
  ) -> Request {
    Request(
      head: HTTPRequest(method: method, scheme: "http", authority: "test", path: path, headerFields: headers),
      body: .init(buffer: ByteBuffer()))
  }
}

extension MainstayRequestContext {
  /// What is known of a request from an address.
  static func test(_ address: String? = "192.0.2.1", drain: DrainSignal = DrainSignal()) -> MainstayRequestContext {
    MainstayRequestContext(
      requestID: "test", logger: .silent, remoteAddress: address, drain: drain)
  }
}

extension HTTPFields {
  /// The value of a field, by its name.
  func text(_ name: String) -> String? { values(name).first }

  /// One field, by its name.
  static func one(_ name: String, _ value: String) -> HTTPFields {
    var fields = HTTPFields()
    fields.set(name, value)
    return fields
  }
}

extension APIKeyConfiguration {
  /// A key.
  static func test(_ name: String, _ key: String, roles: [String] = ["viewer"]) -> APIKeyConfiguration {
    var configuration = APIKeyConfiguration()
    configuration.name = name
    configuration.key = Secret(key)
    configuration.roles = roles
    return configuration
  }
}
