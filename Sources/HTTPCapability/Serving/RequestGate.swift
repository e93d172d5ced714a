package import HTTPTypes

/// A condition that requests must meet beside access: a rate limit. Gates are asked in order, before the handler.
package protocol RequestGate: Sendable {
  /// Asked before the caller is authenticated, so that guessing credentials can be limited too; `context.identity` is
  /// nil. Throws the problem to answer with.
  func arrive(_ request: Request, at route: Route, _ context: MainstayRequestContext) async throws

  /// Asked when the caller is known. Throws the problem to answer with, or returns headers for the response.
  func admit(_ request: Request, to route: Route, _ context: MainstayRequestContext) async throws -> HTTPFields

  /// Told of a request that gets no further: an unknown caller, an unknown path, a wrong method. The path is the route's
  /// template, or, where there is no route, that of the request. Throws another problem to answer with.
  func turnedAway(_ request: Request, at path: String, _ context: MainstayRequestContext) async throws
}

extension RequestGate {
  /// Lets every request through.
  package func arrive(_ request: Request, at route: Route, _ context: MainstayRequestContext) async throws {}

  /// Lets every request through.
  package func admit(
    _ request: Request, to route: Route, _ context: MainstayRequestContext
  ) async throws -> HTTPFields { [:] }

  /// Leaves the answer as it is.
  package func turnedAway(_ request: Request, at path: String, _ context: MainstayRequestContext) async throws {}
}
