import Glibc
import MainstayReactor
import MainstayTesting
import Testing

@testable import MainstayRedis

@Suite("TLS", .serialized)
struct TLSTests {
  #if TLS
    /// Makes a self-signed certificate for `localhost` and 127.0.0.1.
    private func makeCertificate(in folder: String) throws {
      let words = [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder + "/key.pem", "-out",
        folder + "/cert.pem",
      ]
      var arguments: [UnsafeMutablePointer<CChar>?] = (["openssl"] + words).map { strdup($0) } + [nil]
      defer { for argument in arguments { free(argument) } }
      var child = pid_t()
      guard posix_spawnp(&child, "openssl", nil, nil, &arguments, environ) == 0 else {
        throw ServerFailure("openssl is not installed")
      }
      var status: Int32 = 0
      waitpid(child, &status, 0)
    }

    /// Runs a test with a server that speaks TLS, too; its certificate is its own authority.
    private func withTLSServer(
      _ body: (_ server: RedisServer, _ port: UInt16, _ authorities: String, Reactor) async throws -> Void
    ) async throws {
      let folder = try TemporaryFolder()
      try makeCertificate(in: folder.path)
      let port = UInt16.random(in: 30_000..<40_000)
      let certificate = folder.path + "/cert.pem"
      let server = try RedisServer([
        "--tls-port", "\(port)", "--bind", "127.0.0.1", "--tls-cert-file", certificate, "--tls-key-file",
        folder.path + "/key.pem", "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no",
      ])
      let reactor = try Reactor()
      defer { reactor.shutdown() }
      try await body(server, port, certificate, reactor)
    }

    @Test func encryptsAndChecksTheServersCertificate() async throws {
      try await withTLSServer { server, port, authorities, reactor in
        for host in ["localhost", "127.0.0.1"] {
          var options = try RedisOptions(url: "rediss://\(host):\(port)/1")
          options.tls?.authorities = authorities
          let redis = try RedisClient(options, reactor: reactor)
          #expect(try await redis.send(.set("key", "value")))
          let large = [UInt8](repeating: 42, count: 1 << 20)
          #expect(try await redis.send(.set("large", large)))
          #expect(try await redis.send(.get("large", as: [UInt8].self)) == large)
          await withTaskGroup(of: Bool.self) { group in
            for index in 0..<200 { group.addTask { (try? await redis.send(.echo("\(index)"))) == "\(index)" } }
            for await isRight in group { #expect(isRight) }
          }
          redis.close()
        }
        let stranger = try RedisClient(RedisOptions(url: "rediss://localhost:\(port)"), reactor: reactor)
        await #expect { try await stranger.send(.ping()) } throws: {
          ($0 as? RedisError)?.code == .notConnected && "\($0)".contains("TLS")
        }
        stranger.close()
        var plain = RedisOptions(.unix(path: server.socket))
        plain.connectTimeout = .seconds(5)
        let local = try RedisClient(plain, reactor: reactor)
        #expect(try await local.send(.ping()) == "PONG")
        local.close()
      }
    }

    /// What a server that reads nothing leaves behind is limited, encrypted or not; when it reads again, all of it is sent.
    @Test func aServerThatStopsReadingFillsNoMemory() async throws {
      try await withTLSServer { server, port, authorities, reactor in
        var options = try RedisOptions(url: "rediss://localhost:\(port)")
        options.tls?.authorities = authorities
        options.maxQueuedBytes = 4 << 20
        options.stallTimeout = .seconds(60)
        options.commandTimeout = .seconds(60)
        let redis = try RedisClient(options, reactor: reactor)
        _ = try await redis.send(.ping())
        server.signal(SIGSTOP)
        let value = [UInt8](repeating: 42, count: 1 << 20)
        let written = await withTaskGroup(of: Bool.self) { group in
          var refused = 0
          for index in 0..<200 {
            group.addTask {
              do {
                return try await redis.send(.set("k\(index)", value))
              } catch {
                #expect((error as? RedisError)?.code == .overloaded)
                return false
              }
            }
          }
          // All but a few are refused at once; those that were taken wait for the server.
          while refused < 150, await group.next() == false { refused += 1 }
          #expect(refused == 150)
          server.signal(SIGCONT)
          return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect((1...50).contains(written))
        #expect(try await redis.send(.dbsize()) == written)
        redis.close()
      }
    }

    /// In the middle of a handshake; `scripts/sanitize address` looks after those that were established.
    @Test func anEndedSessionIsFreed() throws {
      let context = try TLSContext(RedisTLSOptions())
      for peer in ["localhost", "127.0.0.1"] {
        weak var channel: AnyObject?
        try {
          let session = try TLSSession(context, host: peer, port: 6379)
          let hasBegun = !session.output.isEmpty
          #expect(hasBegun, "the first bytes of the handshake")
          channel = session.channel
          session.end()
        }()
        #expect(channel == nil)
      }
    }

    @Test func aMissingFileIsNamed() throws {
      let reactor = try Reactor()
      var options = try RedisOptions(url: "rediss://localhost")
      options.tls?.authorities = "/nowhere/ca.pem"
      #expect { try RedisClient(options, reactor: reactor) } throws: { "\($0)".contains("/nowhere/ca.pem") }
      reactor.shutdown()
    }
  #else
    @Test func withoutTheTraitTheErrorSaysSo() throws {
      let reactor = try Reactor()
      #expect { try RedisClient(RedisOptions(url: "rediss://localhost"), reactor: reactor) } throws: {
        ($0 as? RedisError)?.code == .configuration && "\($0)".contains("trait 'TLS'")
      }
      reactor.shutdown()
    }
  #endif
}
