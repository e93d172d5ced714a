#if TLS
  import AsyncHTTPClient
  import MainstayHTTP
  import NIOHTTP1
  import NIOSSL
  import Testing

  @testable import MainstayHTTPServer

  @Suite(.timeLimit(.minutes(1)))
  struct TLSTests {
    private func fixture(_ name: String) -> String {
      let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
      return "/\(folder)/Fixtures/\(name)"
    }

    private var context: TLSContext {
      get throws {
        try TLSContext(certificate: fixture("test-certificate.pem"), key: fixture("test-key.pem"))
      }
    }

    private func client() throws -> HTTPClient {
      var configuration = HTTPClient.Configuration()
      let roots = try NIOSSLCertificate.fromPEMFile(fixture("test-certificate.pem"))
      configuration.tlsConfiguration = .makeClientConfiguration()
      configuration.tlsConfiguration?.trustRoots = .certificates(roots)
      return HTTPClient(configuration: configuration)
    }

    @Test("Requests over HTTPS, on one connection and through the drain")
    func https() async throws {
      let client = try client()
      try await TestServer.run(.sample, tls: try context) { server in
        #expect(server.server.address.hasPrefix("https://"))
        for path in ["hello", "hello/again"] {
          var request = HTTPClientRequest(url: "https://localhost:\(try #require(server.port))/\(path)")
          request.method = .GET
          let response = try await client.execute(request, timeout: .seconds(10))
          #expect(response.status == .ok)
          _ = try await response.body.collect(upTo: 1000)
        }
        #expect(server.server.registry.count == 1)
      }
      try await client.shutdown()
    }

    @Test("Plain HTTP on the TLS port ends the connection, nothing else")
    func plain() async throws {
      try await TestServer.run(.sample, tls: try context) { server in
        let client = try await server.connect()
        try await client.send(request("GET /hello HTTP/1.1"))
        let text = try await client.receiveAll()
        #expect(!text.contains("hello"))
        await client.close()
      }
    }

    @Test("Files that cannot be used are named, with the key of the manifest")
    func badFiles() throws {
      let missing = #expect(throws: HTTPStartError.self) {
        try TLSContext(certificate: "/nowhere/cert.pem", key: fixture("test-key.pem"))
      }
      #expect(missing?.description.contains("plugins.http.tls.certificate") == true)
      #expect(missing?.description.contains("/nowhere/cert.pem") == true)
      let wrong = #expect(throws: HTTPStartError.self) {
        try TLSContext(certificate: fixture("test-certificate.pem"), key: fixture("test-certificate.pem"))
      }
      #expect(wrong?.description.contains("plugins.http.tls.key") == true)
    }
  }
#endif
