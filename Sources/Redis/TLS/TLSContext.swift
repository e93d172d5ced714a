#if TLS
  import NIOSSL

  /// Whom a client trusts and who it is, read once for all of its connections.
  struct TLSContext: Sendable {
    let context: NIOSSLContext
    let verifiesServer: Bool
    let serverName: String?

    /// Reads the files that the options name. Throws a ``RedisError`` that names the one that cannot be used.
    init(_ options: RedisTLSOptions) throws {
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.minimumTLSVersion = .tlsv12
      configuration.certificateVerification = options.verifiesServer ? .fullVerification : .none
      if let file = options.authorities {
        configuration.trustRoots = .certificates(
          try Self.read(file, "the authorities' certificates") { try NIOSSLCertificate.fromPEMFile($0) })
      }
      if let file = options.certificate {
        configuration.certificateChain = try Self.read(file, "our certificate") {
          try NIOSSLCertificate.fromPEMFile($0).map { .certificate($0) }
        }
      }
      if let file = options.key {
        configuration.privateKey = .privateKey(
          try Self.read(file, "our private key") { try NIOSSLPrivateKey(file: $0, format: .pem) })
      }
      context = try Self.read("", "the settings of TLS") { _ in try NIOSSLContext(configuration: configuration) }
      verifiesServer = options.verifiesServer
      serverName = options.serverName
    }

    private static func read<Value>(_ file: String, _ what: String, _ body: (String) throws -> Value) throws -> Value {
      do {
        return try body(file)
      } catch {
        let place = file.isEmpty ? "" : " in '\(file)'"
        throw RedisError(.configuration, "\(what)\(place) cannot be used: \(error). A PEM file is expected.")
      }
    }
  }
#else
  /// This build speaks plain connections only.
  struct TLSContext: Sendable {
    init(_ options: RedisTLSOptions) throws {
      throw RedisError(
        .configuration,
        "the URL of Redis asks for TLS (rediss), but this program was built without it. Build it with the "
          + "trait 'TLS', or use redis://")
    }
  }
#endif
