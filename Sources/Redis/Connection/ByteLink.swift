import Glibc

/// What lies between the codec and the socket: nothing, or encryption.
enum ByteLink {
  /// Bytes as they are.
  case plain
  /// Bytes through TLS.
  case tls(TLSSession)

  struct Sent {
    /// Bytes of the plain stream that have left, or are about to and cannot be held back.
    let bytes: Int
    /// Whether the socket is full, so that one has to wait until it can be written.
    let isBlocked: Bool
  }

  /// Whether encrypted bytes wait to be sent.
  var hasPendingOutput: Bool {
    if case .tls(let session) = self { !session.output.isEmpty } else { false }
  }

  /// Sends as much as the socket takes.
  func send(_ buffer: inout OutputBuffer, to socket: Int32) throws(RedisError) -> Sent {
    switch self {
    case .plain:
      let before = buffer.count
      let isBlocked = try Self.write(&buffer, to: socket)
      return Sent(bytes: before - buffer.count, isBlocked: isBlocked)
    case .tls(let session):
      let count = buffer.count
      if count > 0 {
        try session.encrypt(buffer.bytes)
        buffer.removeAll()
      }
      return Sent(bytes: count, isBlocked: try Self.write(&session.output, to: socket))
    }
  }

  /// Hands the plain bytes within received ones over.
  func receive(_ bytes: UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) throws -> Void) throws {
    switch self {
    case .plain: try deliver(bytes)
    case .tls(let session): try session.decrypt(bytes, deliver)
    }
  }

  /// Gives up what it holds.
  func end() {
    if case .tls(let session) = self { session.end() }
  }

  private static func write(_ buffer: inout OutputBuffer, to socket: Int32) throws(RedisError) -> Bool {
    while !buffer.isEmpty {
      let count = Glibc.send(socket, buffer.bytes.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
      if count >= 0 {
        buffer.consume(count)
      } else if errno == EAGAIN {
        return true
      } else if errno != EINTR {
        throw RedisError(.connectionLost, "writing to the server failed: \(SystemErrorText.of(errno))")
      }
    }
    return false
  }
}
