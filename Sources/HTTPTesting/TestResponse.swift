import FoundationEssentials
public import HTTPTypes
import Hummingbird
public import MainstayHTTP
public import MainstayKernel
import NIOCore
import Synchronization

/// A response, whole.
public struct TestResponse: Sendable {
  /// Its status.
  public let status: HTTPResponse.Status
  /// Its headers.
  public let headers: HTTPFields
  /// Its body.
  public let body: ByteBuffer
  /// What the body's writer threw, if it did: the body is then cut off.
  public let failure: (any Error)?

  init(_ response: Response) async {
    status = response.status
    headers = response.headers
    let written = Written()
    var failure: (any Error)?
    do {
      try await response.body.write(CollectingWriter(written: written))
    } catch {
      failure = error
    }
    self.failure = failure
    body = written.buffer.withLock { $0 }
  }

  /// The body as text.
  public var text: String { String(decoding: body.readableBytesView, as: UTF8.self) }

  /// The body as JSON. Throws if it is not.
  public var json: JSONValue { get throws { try JSONValue(parsing: text) } }

  /// The body as a value. Throws if it is not one.
  public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return try decoder.decode(type, from: Data(body.readableBytesView))
  }
}

private final class Written: Sendable {
  let buffer = Mutex(ByteBuffer())
}

private struct CollectingWriter: ResponseBodyWriter {
  let written: Written

  mutating func write(_ buffer: ByteBuffer) async throws {
    written.buffer.withLock { _ = $0.writeImmutableBuffer(buffer) }
  }

  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
