public import HTTPTypes
public import Logging
public import MainstayHTTP
import MainstayKernel

/// Calls routes in the process of the test, without a socket, through the very steps that the server takes: ids,
/// paths, access, limits, problems.
///
/// ```swift
/// let routes = try TestRoutes(HelloPlugin.routes)
/// let response = await routes.get("/hello/Ada")
/// #expect(response.status == .ok)
/// #expect(response.text == "Hello, Ada!")
/// ```
public struct TestRoutes: Sendable {
  private let pipeline: RequestPipeline

  /// Routes to call.
  ///
  /// - Parameters:
  ///   - routes: The routes.
  ///   - caller: Who calls; nil for somebody unknown, whom only open routes answer.
  ///   - authenticators: Ways to prove who calls, beside `caller`.
  ///   - bodyLimit: The most bytes of a body, where the route does not say.
  ///   - logger: Where handlers log.
  /// - Throws: A ``RouteError`` if the routes are declared wrongly.
  public init(
    _ routes: Routes, caller: Identity? = nil, authenticators: [any HTTPAuthenticator] = [], bodyLimit: Int = 1 << 20,
    logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
  ) throws {
    let mistakes = routes.mistakes
    guard mistakes.isEmpty else { throw RouteError(plugin: "test", mistakes: mistakes) }
    let table = RouteTable([.init(plugin: "test", value: routes)], aliases: .standard)
    let known = caller.map { [KnownCaller(identity: $0) as any HTTPAuthenticator] } ?? []
    pipeline = RequestPipeline(
      routes: { table }, state: ServingState(),
      access: AccessControl(authenticators: { known + authenticators }, remedy: "Give the test a caller."),
      bodyLimit: bodyLimit, logger: logger)
  }

  /// `GET`
  public func get(_ path: String, headers: HTTPFields = [:]) async -> TestResponse {
    await send(.get, path, headers: headers)
  }

  /// `DELETE`
  public func delete(_ path: String, headers: HTTPFields = [:]) async -> TestResponse {
    await send(.delete, path, headers: headers)
  }

  /// `POST` with a JSON body.
  public func post(_ path: String, json: some Encodable, headers: HTTPFields = [:]) async throws -> TestResponse {
    try await send(.post, path, json: json, headers: headers)
  }

  /// `PUT` with a JSON body.
  public func put(_ path: String, json: some Encodable, headers: HTTPFields = [:]) async throws -> TestResponse {
    try await send(.put, path, json: json, headers: headers)
  }

  /// Any method, with a JSON body.
  public func send(
    _ method: HTTPRequest.Method, _ path: String, json: some Encodable, headers: HTTPFields = [:]
  ) async throws -> TestResponse {
    var headers = headers
    headers[.contentType] = headers[.contentType] ?? "application/json"
    let body = try JSONValue(encoding: json).utf8()
    return await send(method, path, body: ByteBuffer(bytes: body), headers: headers)
  }

  /// Any method, with any body.
  public func send(
    _ method: HTTPRequest.Method, _ path: String, body: ByteBuffer = ByteBuffer(), headers: HTTPFields = [:]
  ) async -> TestResponse {
    var headers = headers
    if body.readableBytes > 0 { headers[.contentLength] = String(body.readableBytes) }
    let head = HTTPRequest(method: method, scheme: "http", authority: "test", path: path, headerFields: headers)
    let outcome = await pipeline.respond(to: Request(head: head, body: .init(buffer: body)), on: TestConnection())
    return await TestResponse(outcome.response)
  }
}

/// A caller who need not prove anything.
private struct KnownCaller: HTTPAuthenticator {
  let identity: Identity
  var challenge: String { "Test" }
  func authenticate(_ request: Request, _ context: MainstayRequestContext) async throws -> Identity? { identity }
}

private struct TestConnection: RequestConnection {
  var remoteAddress: String? { "127.0.0.1" }
  func proceed() {}
  func allow(_ time: Duration) {}
}
