import HTTPTypes
import HummingbirdCore
import Logging
import MainstayHTTP
import NIOCore
import Synchronization

/// One request on a connection: through the pipeline, onto the wire, into the access log and the metrics.
struct RequestExchange: Sendable {
  let pipeline: RequestPipeline
  let metrics: HTTPMetrics?
  let logsAccess: Bool
  let logger: Logger

  func answer(_ request: Request, on connection: HTTPConnection, writer: consuming ResponseWriter) async throws {
    let began = ContinuousClock.now
    var outcome = await pipeline.respond(to: request, on: connection)
    let size = BodySize(counting: &outcome.response.body)
    do {
      try await writer.write(response: outcome.response.head, body: outcome.response.body)
    } catch {
      // A client that went away before the end leaves its line all the same.
      finish(request, outcome, bytes: size.bytes, duration: ContinuousClock.now - began)
      throw error
    }
    finish(request, outcome, bytes: size.bytes, duration: ContinuousClock.now - began)
  }

  private func finish(_ request: Request, _ outcome: RequestPipeline.Outcome, bytes: Int, duration: Duration) {
    metrics?.record(
      request.method, route: outcome.route, status: outcome.response.status, duration: duration,
      traceID: outcome.traceID)
    log(request, outcome, bytes: bytes, duration: duration)
  }

  /// The template of the route, never the path itself: that may name a patient. Probes are logged at `debug`.
  private func log(
    _ request: Request, _ outcome: RequestPipeline.Outcome, bytes: Int, duration: Duration
  ) {
    let level: Logger.Level = outcome.route?.answersWhileDraining == true ? .debug : .info
    guard logsAccess, logger.logLevel <= level else { return }
    var metadata: Logger.Metadata = [
      "method": .string(request.method.rawValue),
      "route": .string(outcome.route?.path.template ?? "-"),
      "status": .stringConvertible(outcome.response.status.code),
      "duration_ms": .string(duration.milliseconds),
      "bytes": .stringConvertible(bytes),
      "request_id": .string(outcome.requestID),
      "remote": .string(outcome.remoteAddress ?? "unix"),
    ]
    if let subject = outcome.subject { metadata["caller"] = .string(subject) }
    logger.log(level: level, "request", metadata: metadata)
  }
}

extension Duration {
  /// `12.345`
  fileprivate var milliseconds: String {
    let microseconds = components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    let fraction = String(microseconds % 1000)
    return "\(microseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
  }
}

/// The size of a response's body: what is declared, else what is written.
private final class BodySize: Sendable {
  private let declared: Int?
  private let written = Atomic<Int>(0)

  /// Has a body of unknown length count what it writes.
  init(counting body: inout ResponseBody) {
    declared = body.contentLength
    guard declared == nil else { return }
    let streamed = body
    body = ResponseBody { [self] writer in try await streamed.write(CountingWriter(size: self, writer: writer)) }
  }

  var bytes: Int { declared ?? written.load(ordering: .relaxed) }

  private struct CountingWriter: ResponseBodyWriter {
    let size: BodySize
    var writer: any ResponseBodyWriter

    mutating func write(_ buffer: ByteBuffer) async throws {
      size.written.add(buffer.readableBytes, ordering: .relaxed)
      try await writer.write(buffer)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
      try await writer.finish(trailingHeaders)
    }
  }
}
