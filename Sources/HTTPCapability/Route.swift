/// A method, a path, and what answers them; with all that the server, the documentation and the logs need to know.
///
/// ```swift
/// Route.post("/templates/{name}", "Replaces a template.", access: .role("editor")) { request, context in
///   let template = try await context.decode(Template.self, from: request)
///   …
///   return try .json(template, status: .created)
/// }
/// .tagged("templates")
/// .accepts(.example(Template.sample))
/// .responds(.created, .example(Template.sample))
/// .limited(body: 64 * 1024, timeout: .seconds(5))
/// ```
public struct Route: Sendable {
  /// Answers a request. What it throws becomes a response: an ``HTTPProblem`` as it says, anything else a plain 500.
  ///
  /// It runs on the concurrent pool, in a task that is cancelled when the client goes away or the request's time is up.
  public typealias Handler = @Sendable (Request, MainstayRequestContext) async throws -> Response

  /// The method it answers. `HEAD` is answered by the route for `GET`, `OPTIONS` by the server.
  public let method: HTTPRequest.Method
  /// The path it answers.
  public let path: RoutePath
  /// Further paths under which it answers in the same way. They do not appear in the documentation.
  public var aliases: [RoutePath] = []
  /// Who may call it. The server refuses everybody else before the handler runs.
  public var access: RouteAccess
  /// What the OpenAPI document says of it.
  public var documentation: RouteDocumentation
  /// The most bytes a request's body may have; nil for the server's limit.
  public var bodyLimit: Int?
  /// How long the handler may take to return its response; nil for the server's limit.
  public var timeout: Duration?
  /// Whether it answers while the host drains and everything else is refused: for probes, which tell that state.
  public var answersWhileDraining = false
  /// What answers.
  public let handler: Handler

  /// A route. The modifiers below say the rest.
  public init(
    _ method: HTTPRequest.Method, _ path: RoutePath, _ summary: String, access: RouteAccess = .authenticated,
    handler: @escaping Handler
  ) {
    self.method = method
    self.path = path
    self.access = access
    self.handler = handler
    documentation = RouteDocumentation(summary: summary)
  }

  /// `GET /templates/{name}`
  public var title: String { "\(method.rawValue) \(path.template)" }
}

extension Route {
  /// A route for `GET`, which also answers `HEAD`.
  public static func get(
    _ path: RoutePath, _ summary: String, access: RouteAccess = .authenticated, handler: @escaping Handler
  ) -> Route { Route(.get, path, summary, access: access, handler: handler) }

  /// A route for `POST`.
  public static func post(
    _ path: RoutePath, _ summary: String, access: RouteAccess = .authenticated, handler: @escaping Handler
  ) -> Route { Route(.post, path, summary, access: access, handler: handler) }

  /// A route for `PUT`.
  public static func put(
    _ path: RoutePath, _ summary: String, access: RouteAccess = .authenticated, handler: @escaping Handler
  ) -> Route { Route(.put, path, summary, access: access, handler: handler) }

  /// A route for `PATCH`.
  public static func patch(
    _ path: RoutePath, _ summary: String, access: RouteAccess = .authenticated, handler: @escaping Handler
  ) -> Route { Route(.patch, path, summary, access: access, handler: handler) }

  /// A route for `DELETE`.
  public static func delete(
    _ path: RoutePath, _ summary: String, access: RouteAccess = .authenticated, handler: @escaping Handler
  ) -> Route { Route(.delete, path, summary, access: access, handler: handler) }
}

extension Route {
  /// The same route, with further paths under which it answers.
  public func aliased(_ paths: RoutePath...) -> Route { with { $0.aliases += paths } }

  /// The same route, with limits of its own instead of the server's.
  /// - Parameters:
  ///   - body: The most bytes a request's body may have.
  ///   - timeout: How long the handler may take to return its response.
  public func limited(body: Int? = nil, timeout: Duration? = nil) -> Route {
    with {
      $0.bodyLimit = body ?? $0.bodyLimit
      $0.timeout = timeout ?? $0.timeout
    }
  }

  /// The same route, answering also while the host drains.
  public func availableWhileDraining() -> Route { with { $0.answersWhileDraining = true } }

  func with(_ change: (inout Route) -> Void) -> Route {
    var route = self
    change(&route)
    return route
  }
}
