import Glibc

/// One question to a server, and how its answer is told from noise.
struct SocketProbe: Sendable {
  enum Address: Sendable, Hashable {
    /// A socket in the file system.
    case file(String)
    /// A port of 127.0.0.1.
    case loopback(UInt16)

    /// The most bytes that the path of a socket may have (`sun_path` of unix(7), less the final zero).
    static let longestPath = 107

    /// Whether a socket can have this path.
    static func check(_ path: String) throws(DevServerError) {
      let count = path.utf8.count
      guard count > longestPath else { return }
      throw DevServerError(
        .badOptions,
        "the path of the socket would have \(count) bytes, at most \(longestPath) work; choose a shorter folder: "
          + path)
    }
  }

  enum Answer: Sendable, Equatable {
    /// It serves.
    case serves
    /// It has answered, but not that it serves.
    case notYet
  }

  let address: Address
  /// What is sent.
  let question: [UInt8]
  /// Reads what has arrived so far; nil if it is too little to tell.
  let read: @Sendable ([UInt8]) -> Answer?

  /// Asks once; false if it does not serve (yet), or has not answered before the deadline.
  func asks(until deadline: ContinuousClock.Instant) async -> Bool {
    guard let socket = connected(), send(socket) else { return false }
    var received: [UInt8] = []
    while received.count < 4096 {
      var buffer = [UInt8](repeating: 0, count: 1024)
      let count = recv(socket.number, &buffer, buffer.count, 0)
      if count > 0 {
        received += buffer[..<count]
        if let answer = read(received) { return answer == .serves }
      } else {
        guard count < 0, errno == EAGAIN || errno == EINTR, ContinuousClock.now < deadline, !Task.isCancelled else {
          return false
        }
        await Spawn.pause()
      }
    }
    return false
  }

  private func send(_ socket: OpenFile) -> Bool {
    Glibc.send(socket.number, question, question.count, Int32(MSG_NOSIGNAL)) == question.count
  }

  /// A connection, or nil if nobody listens. On this machine that needs no waiting: the kernel accepts.
  private func connected() -> OpenFile? {
    let family = if case .file = address { AF_UNIX } else { AF_INET }
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard let socket = try? OpenFile(taking: Glibc.socket(family, kind, 0)) else { return nil }
    let connected =
      switch address {
      case .file(let path): Self.connect(socket, path)
      case .loopback(let port): Self.connect(socket, port)
      }
    guard connected, fcntl(socket.number, F_SETFL, O_NONBLOCK) == 0 else { return nil }
    return socket
  }

  private static func connect(_ socket: OpenFile, _ path: String) -> Bool {
    // A server that is stopped by a signal takes no connections; when its queue is full, a blocking call would hang.
    guard fcntl(socket.number, F_SETFL, O_NONBLOCK) == 0, path.utf8.count <= Address.longestPath else { return false }
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(socket.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }

  private static func connect(_ socket: OpenFile, _ port: UInt16) -> Bool {
    withLoopback(port) { Glibc.connect(socket.number, $0, $1) == 0 }
  }
}

/// Calls `body` with the address of a port of 127.0.0.1.
func withLoopback<Result>(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
  var name = sockaddr_in()
  name.sin_family = sa_family_t(AF_INET)
  name.sin_port = port.bigEndian
  name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  return withUnsafePointer(to: &name) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
}

/// Whether a private server also listens at a port.
public enum DevPort: Sendable, Hashable {
  /// Only at its socket.
  case none
  /// At a free port of 127.0.0.1.
  case any
  /// At this port of 127.0.0.1.
  case loopback(UInt16)

  /// The port's number; a free one where any will do. Between this look and the server's start somebody else may take it.
  func number() throws(DevServerError) -> UInt16? {
    switch self {
    case .none: nil
    case .loopback(let port): port
    case .any: try Self.free()
    }
  }

  static func free() throws(DevServerError) -> UInt16 {
    let socket = try OpenFile(taking: socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
    guard withLoopback(0, { bind(socket.number, $0, $1) }) == 0 else {
      throw .system(.badOptions, "cannot find a free port of 127.0.0.1", errno)
    }
    var name = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &name) { pointer in
      _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket.number, $0, &length) }
    }
    return UInt16(bigEndian: name.sin_port)
  }
}
