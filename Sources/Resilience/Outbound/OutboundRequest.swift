/// A request to a service outside.
public struct OutboundRequest: Sendable {
  /// `GET`, `POST` and so on.
  public var method: String
  /// The path below the service's base URL, with its query: `/v1/charges?limit=3`.
  public var path: String
  /// Header fields.
  public var headers: [(name: String, value: String)]
  /// The body.
  public var body: [UInt8]
  /// What happens if it is carried out twice; nil for what the method says: `GET`, `HEAD` and `OPTIONS` change nothing, `PUT`
  /// and `DELETE` are idempotent, all others are not.
  public var idempotency: Idempotency?
  /// What is done, for statistics; nil for the method. From a small set of names, so without ids.
  public var operation: String?

  /// A request.
  public init(
    _ method: String, _ path: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
    idempotency: Idempotency? = nil, operation: String? = nil
  ) {
    self.method = method
    self.path = path
    self.headers = headers
    self.body = body
    self.idempotency = idempotency
    self.operation = operation
  }

  /// What happens if it is carried out twice.
  var statedIdempotency: Idempotency {
    if let idempotency { return idempotency }
    return switch method {
    case "GET", "HEAD", "OPTIONS": .safe
    case "PUT", "DELETE": .idempotent
    default: .nonIdempotent
    }
  }
}

/// The answer of a service outside.
public struct OutboundResponse: Sendable {
  /// The status, such as 200.
  public let status: Int
  /// Header fields, in lower case.
  public let headers: [(name: String, value: String)]
  /// The body.
  public let body: [UInt8]

  /// An answer.
  public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers.map { ($0.name.lowercased(), $0.value) }
    self.body = body
  }

  /// The first header field of a name, in lower case.
  public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// A request to a service outside that was not answered, or answered with a failure of the service.
public struct OutboundError: RetryClassifiable, CustomStringConvertible {
  /// What is wrong.
  public enum Code: Sendable, Hashable {
    /// No connection came about, so the request never arrived.
    case unreachable
    /// The connection ended before the answer was complete; whether the request arrived is unknown.
    case interrupted
    /// The service answered that it cannot, now: status 408, 425, 429, 500, 502, 503 or 504.
    case status(Int)
    /// The request cannot be sent as it is.
    case invalid
  }

  /// What is wrong.
  public let code: Code
  /// The service.
  public let service: String
  /// After which time it may be tried again, if the service said so.
  public let retryAfter: Duration?
  /// The answer, if there was one.
  public let response: OutboundResponse?
  /// More on what is wrong: no data, no secrets.
  public let detail: String?

  /// An error.
  public init(
    _ code: Code, service: String, retryAfter: Duration? = nil, response: OutboundResponse? = nil,
    detail: String? = nil
  ) {
    self.code = code
    self.service = service
    self.retryAfter = retryAfter
    self.response = response
    self.detail = detail
  }

  /// What it says about trying again.
  public var callAdvice: CallAdvice {
    switch code {
    case .unreachable: .withoutEffect
    case .interrupted: .transient
    case .status(429), .status(503): .throttled(after: retryAfter)
    case .status: retryAfter.map { .throttled(after: $0) } ?? .transient
    case .invalid: .permanent
    }
  }

  /// What happened, and what to do.
  public var description: String {
    let more = detail.map { ": " + $0 } ?? ""
    return switch code {
    case .unreachable: "'\(service)' cannot be reached\(more)"
    case .interrupted: "the connection to '\(service)' ended before the answer was complete\(more)"
    case .status(let status): "'\(service)' answered with status \(status)\(more)"
    case .invalid: "the request to '\(service)' cannot be sent\(more)"
    }
  }
}
