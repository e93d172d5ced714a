import HTTPTypes
package import MainstayHTTP
package import MainstayKernel

/// `GET /events?topic=PATTERN`: the events of the bus as they come, as server-sent events.
package struct EventStreamRoute: Sendable {
  /// More patterns than this are not accepted.
  static let maximumPatterns = 16

  private let configuration: EventStreamConfiguration
  private let bus: EventBus
  private let clock: any HostClock
  private let host: HostHandle
  private let slots: EventStreamSlots

  package init(_ configuration: EventStreamConfiguration, bus: EventBus, clock: any HostClock, host: HostHandle) {
    self.configuration = configuration
    self.bus = bus
    self.clock = clock
    self.host = host
    slots = EventStreamSlots(limit: configuration.maxStreams, perCaller: configuration.maxStreamsPerCaller)
  }

  /// The route; none if it is switched off.
  package var routes: Routes {
    guard configuration.enabled else { return [] }
    return [
      Route.get("/events", "Streams the events of the bus.", access: .role("viewer")) { request, context in
        try respond(to: request, context)
      }
      .described(
        """
        Server-sent events. Each has an `id`, its topic as `event`, and JSON as `data`: topic, sequence, time, \
        publisher, requestId, and the event itself under `event`. First come the last events of sticky topics, except \
        those that `Last-Event-ID` shows the client to know. An event `bus.dropped` says that the client was too slow \
        and how many events it has lost. The stream ends when the server drains.
        """
      )
      .tagged("host")
      .query("topic", "Topics, as a pattern: `pool.*`, `plugin.**`. May be repeated; without it, all.")
      .header("Last-Event-ID", "The `id` of the last event that the client has seen.")
      .responds(.ok, .string, contentType: "text/event-stream", "The events.")
    ]
  }

  private func respond(to request: Request, _ context: MainstayRequestContext) throws -> Response {
    let patterns = try Self.patterns(request)
    let run = EventStreamRun(startedAt: host.status.startedAt)
    let headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-cache, no-transform"]
    guard request.method != .head else { return Response(status: .ok, headers: headers) }
    let slot = try slots.take(context.identity?.subject ?? context.remoteAddress ?? "unix")
    let session = EventStreamSession(
      patterns: patterns, run: run, seen: run.sequence(of: request.headers.values("Last-Event-ID").first),
      configuration: configuration, bus: bus, clock: clock, drain: context.drain)
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody { writer in
        // Held as long as the stream may be written.
        defer { withExtendedLifetime(slot) {} }
        try await session.write { try await writer.write(ByteBuffer(string: $0)) }
        try await writer.finish(nil)
      })
  }

  private static func patterns(_ request: Request) throws(HTTPProblem) -> [TopicPattern] {
    let texts = request.uri.queryParameters.getAll("topic")
    guard texts.count <= maximumPatterns else {
      throw HTTPProblem(.badRequest, "A stream may have \(maximumPatterns) topics at most.")
    }
    var patterns: [TopicPattern] = []
    for text in texts where !patterns.contains(where: { $0.rawValue == text }) {
      do {
        patterns.append(try TopicPattern(text))
      } catch {
        throw HTTPProblem(.badRequest, "The parameter 'topic' is wrong: \(error.description)")
      }
    }
    return patterns.isEmpty ? [.all] : patterns
  }
}
