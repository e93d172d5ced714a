public import Hummingbird
public import Logging
public import ServiceContextModule

/// What is known of a request beside the request itself. Made by the server, one for each request.
public struct MainstayRequestContext: RequestContext {
  /// Hummingbird's own part.
  public var coreContext: CoreRequestContextStorage
  /// The id under which logs, events and outgoing calls name this request; also in the response's `X-Request-ID`.
  public let requestID: String
  /// Tracing context: request id, trace. Also the task's current one while the handler runs.
  public let serviceContext: ServiceContext
  /// The address of the client, without its port; nil for a Unix socket.
  public let remoteAddress: String?
  /// Who sent the request; nil where that has not been proved. Set by the server before the handler runs.
  public var identity: Identity?
  /// Given when the server is about to close. Handlers whose responses do not end by themselves must watch it.
  public let drain: DrainSignal
  /// The most bytes the body of this request may have.
  public var bodyLimit: Int
  /// The template of the route that answers, such as `/templates/{name}`; nil before it is found.
  public var route: String?

  private let baseLogger: Logger

  /// A context. The server makes it, and `TestRoutes` in tests.
  public init(
    requestID: String, serviceContext: ServiceContext = .topLevel, logger: Logger, remoteAddress: String? = nil,
    drain: DrainSignal = DrainSignal(), bodyLimit: Int = 1 << 20
  ) {
    self.requestID = requestID
    self.serviceContext = serviceContext
    self.remoteAddress = remoteAddress
    self.drain = drain
    self.bodyLimit = bodyLimit
    baseLogger = logger
    coreContext = CoreRequestContextStorage(source: Source(logger: logger))
  }

  /// A context for Hummingbird's own use, with an id of its own.
  public init(source: Source) {
    self.init(requestID: HTTPRequestID.random(), logger: source.logger)
  }

  /// The logger from which contexts are made.
  public struct Source: RequestContextSource {
    /// The logger.
    public let logger: Logger

    /// A source.
    public init(logger: Logger) { self.logger = logger }
  }

  /// A logger that puts the request's id into each line. Made when asked for: most requests log nothing.
  public var logger: Logger {
    var logger = baseLogger
    logger[metadataKey: "request_id"] = .string(requestID)
    return logger
  }

  /// The request's id.
  public var id: String { requestID }

  /// The most bytes the body may have, under Hummingbird's name.
  public var maxUploadSize: Int { bodyLimit }

  /// The decoded value of a parameter in the route's path.
  /// Throws a problem of status 500 if the path has no parameter of that name.
  public func parameter(_ name: String) throws(HTTPProblem) -> String {
    guard let value = coreContext.parameters[name[...]] else {
      throw HTTPProblem(.internalServerError, "The path '\(route ?? "")' has no parameter '\(name)'.")
    }
    return String(value)
  }

  /// The decoded value of a parameter in the route's path, as a number or whatever else is read from text.
  /// Throws a problem of status 400 if it is not one.
  public func parameter<Value: LosslessStringConvertible>(
    _ name: String, as type: Value.Type
  ) throws(HTTPProblem) -> Value {
    guard let value = Value(try parameter(name)) else {
      throw HTTPProblem(.badRequest, "The parameter '\(name)' in the path is not of type \(Value.self).")
    }
    return value
  }
}
