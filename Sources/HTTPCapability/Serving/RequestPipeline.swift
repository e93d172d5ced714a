package import HTTPTypes
import Hummingbird
package import Logging
import MainstayKernel
import NIOCore
import NIOHTTP1
import ServiceContextModule

/// The connection on which a request came, as far as answering it goes.
package protocol RequestConnection: Sendable {
  /// The client's address without its port; nil for a Unix socket.
  var remoteAddress: String? { get }
  /// Tells a client that asked (`Expect: 100-continue`) to send the body.
  func proceed()
  /// Gives the request in progress this time, from its beginning, instead of the server's.
  func allow(_ time: Duration)
}

/// From a request to its response: id, trace, path, access, limits, handler, problems. One step after another in one
/// place, with no layers, since every request pays for each.
///
/// It never throws: whatever goes wrong is a response.
package struct RequestPipeline: Sendable {
  /// The routes at this moment.
  package let routes: @Sendable () -> RouteTable
  /// The phase of the server.
  package let state: ServingState
  /// Who may call what.
  package let access: AccessControl
  /// Further conditions.
  package let gates: [any RequestGate]
  /// The client's address behind reverse proxies, from the request and the address of the peer; nil if there are none.
  package let clientAddress: (@Sendable (Request, String?) -> String?)?
  /// The most bytes of a body, where the route does not say.
  package let bodyLimit: Int
  /// Writes what the client must not see.
  package let logger: Logger

  /// A pipeline.
  package init(
    routes: @escaping @Sendable () -> RouteTable, state: ServingState, access: AccessControl,
    gates: [any RequestGate] = [], clientAddress: (@Sendable (Request, String?) -> String?)? = nil, bodyLimit: Int,
    logger: Logger
  ) {
    self.routes = routes
    self.state = state
    self.access = access
    self.gates = gates
    self.clientAddress = clientAddress
    self.bodyLimit = bodyLimit
    self.logger = logger
  }

  /// A response, and what the access log says of it.
  package struct Outcome: Sendable {
    /// What the client receives.
    package var response: Response
    /// The request's id.
    package let requestID: String
    /// The route that answered; nil if there is none.
    package let route: Route?
    /// Who sent the request, if proved.
    package let subject: String?
    /// The client's address; nil for a Unix socket.
    package let remoteAddress: String?
    /// The trace that the request belongs to, if it is sampled.
    package let traceID: String?
  }

  /// Answers a request.
  package func respond(to request: Request, on connection: some RequestConnection) async -> Outcome {
    var context = makeContext(for: request, on: connection)
    var route: Route?
    var response: Response
    do {
      response = try await ServiceContext.withValue(context.serviceContext) {
        try await dispatch(request, on: connection, &context, &route)
      }
    } catch {
      response = problem(from: error, context).answer(request, context)
    }
    response.headers[.requestID] = context.requestID
    if request.method == .head { response = response.withoutBody }
    let trace = context.serviceContext.traceContext
    return Outcome(
      response: response, requestID: context.requestID, route: route, subject: context.identity?.subject,
      remoteAddress: context.remoteAddress, traceID: trace?.isSampled == true ? trace?.traceID.description : nil)
  }
}

extension RequestPipeline {
  private func makeContext(for request: Request, on connection: some RequestConnection) -> MainstayRequestContext {
    let given = request.headers[.requestID].flatMap { HTTPRequestID.isWellFormed($0) ? $0 : nil }
    let requestID = given ?? HTTPRequestID.random()
    var service = ServiceContext.topLevel
    service.requestID = requestID
    service.traceContext = request.headers[.w3cTraceparent].flatMap {
      TraceContext(traceparent: $0, tracestate: request.headers[.w3cTracestate])?.child()
    }
    let peer = connection.remoteAddress
    return MainstayRequestContext(
      requestID: requestID, serviceContext: service, logger: logger,
      remoteAddress: clientAddress.map { $0(request, peer) } ?? peer, drain: state.drain, bodyLimit: bodyLimit)
  }

  private func dispatch(
    _ request: Request, on connection: some RequestConnection, _ context: inout MainstayRequestContext,
    _ found: inout Route?
  ) async throws -> Response {
    if request.method == .options, request.head.path == "*" { return .noContent }
    let entry: RouteTable.Entry
    let (table, target) = (routes(), try RequestTarget(request.head.path ?? ""))
    switch table.match(request.method, target) {
    case .nothing:
      throw await turnAway(missing(), request, at: table.served(target.path), context)
    case .wrongMethod(let allowed):
      do {
        return try answer(request, allowing: allowed)
      } catch {
        throw await turnAway(error, request, at: table.served(target.path), context)
      }
    case .found(let match, let values):
      entry = match
      for (name, value) in zip(match.parameters, values) { context.coreContext.parameters[name[...]] = value }
    }
    found = entry.route
    context.route = entry.route.path.template
    guard state.phase < .refusing || entry.route.answersWhileDraining else { throw HTTPProblem.draining }
    return try await enter(entry.route, request, on: connection, &context)
  }

  private func enter(
    _ route: Route, _ request: Request, on connection: some RequestConnection, _ context: inout MainstayRequestContext
  ) async throws -> Response {
    for gate in gates { try await gate.arrive(request, at: route, context) }
    do {
      context.identity = try await access.authorize(request, for: route.access, context)
    } catch {
      throw await turnAway(error, request, at: route.path.template, context)
    }
    var headers = HTTPFields()
    for gate in gates { headers += try await gate.admit(request, to: route, context) }
    if let timeout = route.timeout { connection.allow(timeout) }
    context.bodyLimit = route.bodyLimit ?? bodyLimit
    let limited = try limit(request, to: context.bodyLimit)
    if request.headers[.expect] != nil { connection.proceed() }
    var response = try await route.handler(limited, context)
    if response.body.contentLength == nil { response.body = response.body.entered(context.serviceContext) }
    for field in headers { response.headers.append(field) }
    return response
  }

  /// Tells the gates of a request that gets 401, 404 or 405. Returns what to answer.
  private func turnAway(
    _ error: any Error, _ request: Request, at path: String, _ context: MainstayRequestContext
  ) async -> any Error {
    guard let problem = error as? HTTPProblem,
      [.unauthorized, .notFound, .methodNotAllowed].contains(problem.status)
    else { return error }
    do {
      for gate in gates { try await gate.turnedAway(request, at: path, context) }
      return problem
    } catch {
      return error
    }
  }

  /// Refuses a body that is declared too long; watches one whose length is not declared.
  private func limit(_ request: Request, to limit: Int) throws(HTTPProblem) -> Request {
    if let length = request.headers[.contentLength] {
      guard let length = Int(length), length <= limit else { throw .bodyTooLong(limit: limit) }
    } else if request.headers.contains(.transferEncoding) {
      var request = request
      request.body = RequestBody(asyncSequence: LimitedBody(body: request.body, limit: limit))
      return request
    }
    return request
  }

  /// 404; while the host starts or stops, 503: the route may come, or is gone with its plugin.
  private func missing() -> HTTPProblem {
    switch state.phase {
    case .starting:
      HTTPProblem(.serviceUnavailable, "The host is starting; this path may be served soon.").retryAfter(.seconds(1))
    case .serving, .leaving:
      HTTPProblem(.notFound, "Nothing is served under this path.")
    case .refusing:
      .draining
    }
  }

  private func answer(_ request: Request, allowing methods: [HTTPRequest.Method]) throws(HTTPProblem) -> Response {
    let allow = methods.map(\.rawValue).joined(separator: ", ")
    if request.method == .options { return Response(status: .noContent, headers: [.allow: allow]) }
    throw HTTPProblem(
      .methodNotAllowed, "This path answers \(allow), not \(request.method.rawValue).", headers: [.allow: allow])
  }

  /// What the client sees of an error. What is not made for its eyes is logged instead.
  private func problem(from error: any Error, _ context: MainstayRequestContext) -> HTTPProblem {
    switch error {
    case let problem as HTTPProblem: return problem
    case let error as HTTPError: return HTTPProblem(error.status, error.body, headers: error.headers)
    case is NIOTooManyBytesError: return .bodyTooLong(limit: context.bodyLimit)
    case is HTTPParserError: return HTTPProblem(.badRequest, "The body is malformed.").closing()
    case is CancellationError:
      return HTTPProblem(.serviceUnavailable, "The request was given up.").closing()
    default:
      context.logger.error(
        "a request failed",
        metadata: ["route": .string(context.route ?? "-"), "error": .string(String(describing: error))])
      return HTTPProblem(.internalServerError, "The request failed. The log says more under this request id.")
    }
  }
}

extension HTTPProblem {
  /// The server is about to close.
  package static var draining: HTTPProblem {
    HTTPProblem(.serviceUnavailable, "The host is stopping; send the request to another.")
      .retryAfter(.seconds(1)).closing()
  }

  /// The response to a request.
  fileprivate func answer(_ request: Request, _ context: MainstayRequestContext) -> Response {
    var problem = self
    problem.requestID = context.requestID
    problem.instance = request.head.path.map { String($0.prefix { $0 != "?" }) }
    return problem.response
  }
}

extension HTTPField.Name {
  /// `X-Request-ID`
  package static var requestID: HTTPField.Name { requestIDName }
  /// `traceparent`
  package static var w3cTraceparent: HTTPField.Name { traceparentName }
  /// `tracestate`
  package static var w3cTracestate: HTTPField.Name { tracestateName }
}

// Well-formed names: the alternatives cannot come about, and spare the unwrapping.
private let requestIDName = HTTPField.Name("X-Request-ID") ?? .via
private let traceparentName = HTTPField.Name("traceparent") ?? .via
private let tracestateName = HTTPField.Name("tracestate") ?? .via

extension Response {
  /// The same head without the body, as `HEAD` asks for.
  fileprivate var withoutBody: Response {
    let length = headers[.contentLength]
    var response = self
    response.body = ResponseBody()
    response.headers[.contentLength] = length
    return response
  }
}

extension ResponseBody {
  /// The same body, written with this tracing context as the current one.
  fileprivate func entered(_ context: ServiceContext) -> ResponseBody {
    let body = self
    return ResponseBody { writer in
      let parent = writer
      try await ServiceContext.withValue(context) { try await body.write(parent) }
    }
  }
}
