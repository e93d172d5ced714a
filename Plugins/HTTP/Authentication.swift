import HTTPTypes
package import MainstayHTTP
import MainstayKernel
import Synchronization

/// Who sends a request: asks everything that can prove it, one after the other, and slows down whoever guesses.
///
/// It is one authenticator to the server. Credentials that nobody recognises are refused here; a request without any is
/// not, so that the server can say what is needed.
package final class Authentication: HTTPAuthenticator {
  private let own: [any HTTPAuthenticator]
  private let contributed: @Sendable () -> [any HTTPAuthenticator]
  private let guesses: AuthenticationGuesses
  private let bus: EventBus

  /// What a client is told where nobody can be authenticated.
  package static let remedy = """
    Nobody can be authenticated here: the host has neither API keys nor a key for tokens. Configure \
    plugins.http.auth.api_keys or plugins.http.auth.jwt.
    """

  init(
    own: [any HTTPAuthenticator], contributed: @escaping @Sendable () -> [any HTTPAuthenticator] = { [] },
    guesses: AuthenticationGuesses, bus: EventBus
  ) {
    self.own = own
    self.contributed = contributed
    self.guesses = guesses
    self.bus = bus
  }

  /// This authenticator if it can authenticate anybody, else none.
  package var authenticators: [any HTTPAuthenticator] { own.isEmpty && contributed().isEmpty ? [] : [self] }

  /// The ways to authenticate, each once.
  package var challenge: String {
    var challenges: [String] = []
    for challenge in (own + contributed()).map(\.challenge) where !challenges.contains(challenge) {
      challenges.append(challenge)
    }
    return challenges.joined(separator: ", ")
  }

  /// Who sent the request, with all roles that the caller's own contain.
  package func authenticate(_ request: Request, _ context: MainstayRequestContext) async throws -> Identity? {
    let isGuess = try credentials(request, context) != .none
    if isGuess { try guesses.check(context.remoteAddress) }
    do {
      for authenticator in own + contributed() {
        guard let identity = try await authenticator.authenticate(request, context) else { continue }
        return AuthenticationRoles.expanded(identity)
      }
    } catch let failure as AuthenticationFailure {
      throw refuse(failure, context)
    } catch let problem as HTTPProblem where problem.status == .unauthorized {
      noteFailure("refused", context)
      throw problem
    }
    guard isGuess else { return nil }
    throw refuse(try credentials(request, context).unrecognised, context)
  }

  private func credentials(
    _ request: Request, _ context: MainstayRequestContext
  ) throws(HTTPProblem) -> AuthenticationCredentials {
    do {
      return try AuthenticationCredentials(request.headers)
    } catch {
      throw refuse(error, context)
    }
  }

  private func refuse(_ failure: AuthenticationFailure, _ context: MainstayRequestContext) -> HTTPProblem {
    noteFailure(failure.reason, context)
    return HTTPProblem(
      .unauthorized, failure.detail,
      headers: [.wwwAuthenticate: "Bearer realm=\"mainstay\", error=\"invalid_token\""])
  }

  private func noteFailure(_ reason: String, _ context: MainstayRequestContext) {
    let isBlocked = guesses.note(context.remoteAddress)
    bus.publish(
      HTTPAuthenticationFailed(
        address: context.remoteAddress, reason: reason, route: context.route, isBlocked: isBlocked))
  }
}

extension AuthenticationCredentials {
  /// Why nobody recognised them.
  fileprivate var unrecognised: AuthenticationFailure {
    if case .other = self { .unknownScheme } else { .unknownToken }
  }
}

/// How many failed logins each address has had of late. Whoever has had too many is refused for a while, without a look
/// at what is presented.
final class AuthenticationGuesses: Sendable {
  /// Addresses remembered; one more, and the one quiet for longest is forgotten.
  static let capacity = 10_000

  private let limit: RateLimit
  private let clock: any HostClock
  private let table: Mutex<RateLimitTable<String>>

  init(_ configuration: AuthenticationConfiguration, clock: any HostClock) {
    limit = RateLimit(requests: configuration.failures, period: configuration.failurePeriod)
    self.clock = clock
    table = Mutex(RateLimitTable(capacity: Self.capacity))
  }

  /// Throws a problem of status 429 if the address has to wait.
  func check(_ address: String?) throws(HTTPProblem) {
    let now = clock.now
    let key = RateLimitEnforcement.address(address)
    let standing = table.withLock { limit.standing(due: $0.due(key), now: now) }
    guard !standing.isAllowed else { return }
    throw HTTPProblem(
      .tooManyRequests, "There were too many failed logins from this address; they may be tried again later."
    ).retryAfter(standing.retryAfter)
  }

  /// Counts a failed login. Returns whether the address has to wait from now on.
  func note(_ address: String?) -> Bool {
    let now = clock.now
    let key = RateLimitEnforcement.address(address)
    return table.withLock { table in
      _ = table.decide(key, limit, now: now)
      return !limit.standing(due: table.due(key), now: now).isAllowed
    }
  }
}
