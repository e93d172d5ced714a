import Glibc
package import Logging
package import MainstayHTTP
package import MainstayKernel

extension Authentication {
  /// What a host's configuration asks for.
  ///
  /// Where it asks for nothing, only open routes answer: a warning says so. In the environment `development` a key with
  /// the role `admin` is made for this one run instead, and printed once.
  /// - Parameters:
  ///   - contributed: Authenticators of other plugins.
  ///   - announce: Prints a line where the developer sees it.
  /// - Throws: if a file with a key cannot be used; the error names file and remedy.
  package convenience init(
    _ configuration: AuthenticationConfiguration, environment: HostEnvironment,
    contributed: @escaping @Sendable () -> [any HTTPAuthenticator], bus: EventBus, clock: any HostClock, logger: Logger,
    announce: @Sendable (String) -> Void = Authentication.printLine
  ) async throws {
    var ring = APIKeyRing(configuration.apiKeys)
    if configuration.isEmpty && contributed().isEmpty {
      if environment == .development {
        ring = APIKeyRing([Self.developmentKey(announce)])
      } else {
        logger.warning("only open routes answer: no API keys and no key for tokens are configured (plugins.http.auth)")
      }
    }
    self.init(
      own: try await Self.own(ring, configuration.jwt, clock), contributed: contributed,
      guesses: AuthenticationGuesses(configuration, clock: clock), bus: bus)
  }

  private static func own(
    _ ring: APIKeyRing, _ jwt: JWTConfiguration?, _ clock: any HostClock
  ) async throws -> [any HTTPAuthenticator] {
    var own: [any HTTPAuthenticator] = ring.isEmpty ? [] : [APIKeyAuthenticator(ring: ring)]
    #if JWT
      if let jwt { own.append(try await JWTAuthenticator(jwt, clock: clock)) }
    #endif
    return own
  }

  /// A key that nobody else knows and that ends with the process.
  private static func developmentKey(_ announce: (String) -> Void) -> APIKeyRing.Entry {
    var generator = SystemRandomNumberGenerator()
    let key = "dev-" + (0..<2).map { _ in String(generator.next() as UInt64, radix: 36) }.joined()
    announce("no API keys are configured; until this process ends, an admin's is: X-API-Key: \(key)")
    return APIKeyRing.Entry(name: "development", digest: APIKeyDigest(of: key), roles: ["admin"])
  }

  /// Prints to standard error, past the log, whose lines are kept and passed on.
  @Sendable package static func printLine(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}

extension AuthenticationConfiguration {
  /// Looks, for `mainstay doctor`, whether the files with keys can be used.
  func diagnose() async -> [Diagnosis] {
    #if JWT
      guard let jwt else { return [] }
      do {
        let keys = try await JWTKeys(jwt)
        return [Diagnosis(.fine, subject: "auth.jwt", "\(keys.count) key(s) can verify tokens")]
      } catch {
        return [Diagnosis(.problem, subject: "auth.jwt", error.description, remedy: "see plugins.http.auth.jwt")]
      }
    #else
      return []
    #endif
  }
}
