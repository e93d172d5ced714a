#if TLS
  import NIOCore
  import NIOEmbedded
  import NIOSSL

  /// The encryption of one connection, without a socket: plain bytes in, encrypted ones out, and the other way round.
  /// BoringSSL through swift-nio-ssl, whose handler runs in a channel that does no input or output of its own.
  ///
  /// For the reactor's thread only, on which it must be made as well.
  final class TLSSession {
    /// Encrypted bytes to be sent, those of the handshake included.
    var output = OutputBuffer()
    let channel = EmbeddedChannel()
    private let name: String

    /// Begins the handshake: its first bytes are in `output`.
    init(_ tls: TLSContext, host: String, port: UInt16) throws(RedisError) {
      name = host
      do {
        let address = try? NIOCore.SocketAddress(ipAddress: host, port: Int(port))
        // A certificate for an address is checked against the peer's address, one for a name against the name.
        let expected = tls.serverName ?? (address == nil ? host : nil)
        let handler = try NIOSSLClientHandler(context: tls.context, serverHostname: expected)
        try channel.pipeline.syncOperations.addHandler(handler)
        let peer = try address ?? NIOCore.SocketAddress(ipAddress: "127.0.0.1", port: Int(port))
        channel.remoteAddress = peer
        channel.connect(to: peer, promise: nil)
        try collectOutput()
      } catch {
        end()
        throw Self.failure(error, name)
      }
    }

    /// Encrypts bytes; before the handshake is done they wait for it.
    func encrypt(_ bytes: UnsafeRawBufferPointer) throws(RedisError) {
      do {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        try channel.throwIfErrorCaught()
        try collectOutput()
      } catch {
        throw Self.failure(error, name)
      }
    }

    /// Takes encrypted bytes and hands the plain ones over that they complete.
    func decrypt(_ bytes: UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) throws -> Void) throws {
      do {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        try collectOutput()
      } catch {
        throw Self.failure(error, name)
      }
      while let plain = try? channel.readInbound(as: ByteBuffer.self) {
        try plain.withUnsafeReadableBytes { try deliver($0) }
      }
    }

    /// Gives the session up, without waiting for the peer's farewell. A channel that is not closed is never freed: its
    /// handlers and it hold each other.
    func end() {
      channel.close(mode: .all, promise: nil)
      channel.embeddedEventLoop.advanceTime(by: .hours(1))
      output.removeAll()
    }

    private func collectOutput() throws {
      while let encrypted = try channel.readOutbound(as: ByteBuffer.self) {
        encrypted.withUnsafeReadableBytes { output.append($0) }
      }
    }

    private static func failure(_ error: any Error, _ name: String) -> RedisError {
      RedisError(
        .connectionLost, "TLS with \(name) failed: \(error). Check that the port speaks TLS, and the certificates")
    }
  }
#else
  /// Never made, since there is no context to make it with.
  final class TLSSession {
    var output = OutputBuffer()

    init(_ tls: TLSContext, host: String, port: UInt16) throws(RedisError) {
      throw RedisError(.configuration, "this program was built without TLS")
    }

    func encrypt(_ bytes: UnsafeRawBufferPointer) throws(RedisError) {}
    func decrypt(_ bytes: UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) throws -> Void) throws {}
    func end() {}
  }
#endif
