import NIOCore

#if TLS
  import NIOSSL

  /// Certificate and key, read once, for all connections.
  struct TLSContext: Sendable {
    private let context: NIOSSLContext

    /// Reads PEM files. Throws an ``HTTPStartError`` that names the file.
    init(certificate: String, key: String) throws {
      let chain: [NIOSSLCertificateSource]
      do {
        chain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
      } catch {
        throw HTTPStartError(
          description: "cannot read the certificate chain '\(certificate)' (plugins.http.tls.certificate): \(error). "
            + "It must be a PEM file, the server's own certificate first.")
      }
      do {
        let key = try NIOSSLPrivateKey(file: key, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
          certificateChain: chain, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        context = try NIOSSLContext(configuration: configuration)
      } catch {
        throw HTTPStartError(
          description: "cannot use the private key '\(key)' (plugins.http.tls.key): \(error). "
            + "It must be a PEM file without a passphrase that belongs to the certificate.")
      }
    }

    func secure(_ channel: any Channel) throws {
      try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
    }
  }
#else
  /// This build serves plain HTTP only.
  struct TLSContext: Sendable {
    init(certificate: String, key: String) throws {
      throw HTTPStartError(
        description: "plugins.http.tls is set, but this program was built without TLS. Build it with the trait 'TLS', "
          + "or remove the section.")
    }

    func secure(_ channel: any Channel) throws {}
  }
#endif
