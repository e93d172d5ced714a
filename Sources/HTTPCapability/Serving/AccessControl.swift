import HTTPTypes

/// Enforces each route's ``RouteAccess``. Where nobody can be authenticated, only open routes answer.
package struct AccessControl: Sendable {
  private let authenticators: @Sendable () -> [any HTTPAuthenticator]
  private let remedy: String
  private let refused: @Sendable (MainstayRequestContext, HTTPProblem) -> Void

  /// - Parameters:
  ///   - authenticators: Those asked, in order. Read for each request that needs one.
  ///   - remedy: What the operator has to configure where there are none; told to the client with the 401.
  ///   - refused: Called with each 401 and 403, to count them.
  package init(
    authenticators: @escaping @Sendable () -> [any HTTPAuthenticator], remedy: String,
    refused: @escaping @Sendable (MainstayRequestContext, HTTPProblem) -> Void = { _, _ in }
  ) {
    self.authenticators = authenticators
    self.remedy = remedy
    self.refused = refused
  }

  /// Who calls, if the route lets that caller in. Open routes ask nobody.
  func authorize(
    _ request: Request, for access: RouteAccess, _ context: MainstayRequestContext
  ) async throws -> Identity? {
    if access == .open { return nil }
    do {
      return try await identify(request, for: access, context)
    } catch let problem as HTTPProblem {
      refused(context, problem)
      throw problem
    }
  }

  private func identify(
    _ request: Request, for access: RouteAccess, _ context: MainstayRequestContext
  ) async throws -> Identity {
    let authenticators = authenticators()
    for authenticator in authenticators {
      guard let identity = try await authenticator.authenticate(request, context) else { continue }
      guard access.admits(identity) else {
        throw HTTPProblem(.forbidden, "'\(identity.subject)' may not do this: it takes \(access).")
      }
      return identity
    }
    var problem = HTTPProblem(.unauthorized, authenticators.isEmpty ? remedy : "This needs credentials.")
    for authenticator in authenticators {
      problem.headers.append(HTTPField(name: .wwwAuthenticate, value: authenticator.challenge))
    }
    throw problem
  }
}
