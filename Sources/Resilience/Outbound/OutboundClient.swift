public import MainstayKernel

/// Sends requests over the network: what an HTTP library does.
public protocol OutboundTransport: Sendable {
  /// Sends one request, once.
  /// - Parameters:
  ///   - url: The whole URL.
  ///   - longestBody: The most bytes of the answer's body; more is an error.
  /// - Throws: ``OutboundError`` as far as it knows what went wrong.
  func send(_ request: OutboundRequest, url: String, service: String, longestBody: Int) async throws -> OutboundResponse
}

/// Calls services outside by their names, through their breakers, retries and limits.
///
/// ```swift
/// let http = try context.require(.outboundHTTP)
/// let answer = try await http.send(OutboundRequest("POST", "/v1/charges", body: body, idempotency: .keyed(order.id)), to: "stripe")
/// ```
/// The base URLs stand in the manifest. Each attempt carries the request id and the trace of the request it is part of, the attempt's
/// number, the time left, and the idempotency key.
public final class OutboundClient: Sendable {
  /// Where a service is, and what it wants to know of its callers.
  public struct Endpoint: Sendable {
    /// The URL that paths are appended to: `https://api.stripe.com`.
    public let baseURL: String
    /// Header fields of every request, such as credentials.
    public let headers: [(name: String, value: Secret<String>)]

    /// A service. A slash at the end of the URL is dropped.
    public init(baseURL: String, headers: [(name: String, value: Secret<String>)] = []) {
      self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
      self.headers = headers
    }
  }

  private let resilience: Resilience
  private let endpoints: [String: Endpoint]
  private let transport: any OutboundTransport
  private let longestBody: Int
  private let context: @Sendable () -> [(name: String, value: String)]
  private let tally: OutboundTally

  /// A client.
  /// - Parameters:
  ///   - longestBody: The most bytes of an answer's body.
  ///   - context: Header fields that tell to which request of this host a call belongs.
  public init(
    _ endpoints: [String: Endpoint], resilience: Resilience, transport: any OutboundTransport,
    longestBody: Int = 8 << 20, context: @escaping @Sendable () -> [(name: String, value: String)] = { [] }
  ) {
    self.endpoints = endpoints
    self.resilience = resilience
    self.transport = transport
    self.longestBody = longestBody
    self.context = context
    tally = OutboundTally(endpoints.keys)
  }

  /// The services it knows, by name.
  public var services: [String] { endpoints.keys.sorted() }

  /// What has become of the requests to each service.
  public var counts: [String: OutboundCounts] { tally.all }

  /// Sends a request through all layers of the service.
  /// - Throws: ``OutboundError``; ``CallRejection`` and ``DeadlineExceeded`` of the layers. Answers that are no failure of
  ///   the service, such as 404, are returned.
  public func send(_ request: OutboundRequest, to service: String) async throws -> OutboundResponse {
    guard let endpoint = endpoints[service] else {
      let known = services.isEmpty ? "none is declared" : "there are: " + services.joined(separator: ", ")
      throw OutboundError(.invalid, service: service, detail: "it has no base_url in the manifest; \(known)")
    }
    guard request.path.hasPrefix("/"), !request.path.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
      throw OutboundError(.invalid, service: service, detail: "its path must begin with '/' and hold no spaces")
    }
    var call = RetryCall(request.operation ?? request.method, idempotency: request.statedIdempotency)
    call.service = service
    return try await resilience.service(service).run(call) { [self] in
      try await tally.count(service) { try await attempt(request, endpoint, service) }
    }
  }

  private func attempt(
    _ request: OutboundRequest, _ endpoint: Endpoint, _ service: String
  ) async throws -> OutboundResponse {
    var sent = request
    sent.headers += endpoint.headers.map { ($0.name, $0.value.reveal()) } + context() + callHeaders
    let response = try await transport.send(
      sent, url: endpoint.baseURL + request.path, service: service, longestBody: longestBody)
    guard [408, 425, 429, 500, 502, 503, 504].contains(response.status) else { return response }
    let retryAfter = response.header("retry-after").flatMap {
      RetryAfter.duration($0, timeSinceEpoch: resilience.timer.clock.timeSinceEpoch)
    }
    throw OutboundError(.status(response.status), service: service, retryAfter: retryAfter, response: response)
  }

  private var callHeaders: [(name: String, value: String)] {
    guard let context = CallContext.current else { return [] }
    var headers: [(name: String, value: String)] = []
    if context.attempt > 1 { headers.append(("x-retry-attempt", "\(context.attempt)")) }
    if let key = context.idempotencyKey { headers.append(("idempotency-key", key)) }
    if let left = context.remaining(at: resilience.timer.clock.now) {
      headers.append(("x-request-deadline-ms", "\(Int(left / .milliseconds(1)))"))
    }
    return headers
  }
}

extension Capability where Value == OutboundClient {
  /// Services outside, by name.
  public static var outboundHTTP: Self { Self("outbound_http") }
}
