import Glibc
import MainstayReactor

/// One attempt to connect a socket, without blocking.
final class Dial: ReactorHandler, @unchecked Sendable {
  // because `source` is touched on the reactor's thread only, and the rest does not change.
  private let socket: Int32
  private let address: DialAddress
  private let name: String
  private let done = OneShot<Int32>()
  private var source: ReactorSource?

  /// Connects to an address, by a deadline. The caller owns the socket that comes out of it.
  static func connect(
    to address: DialAddress, named name: String, options: RedisOptions, by deadline: MonotonicInstant,
    on reactor: Reactor
  ) async throws -> Int32 {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let socket = Glibc.socket(address.family, type, 0)
    guard socket >= 0 else {
      throw RedisError(.notConnected, "no socket can be made: \(SystemErrorText.of(errno))")
    }
    if address.family != AF_UNIX { configure(socket, options) }
    let dial = Dial(socket, address, name)
    reactor.submit { dial.start(on: reactor) }
    do {
      return try await dial.done.value(by: deadline, on: reactor) {
        RedisError(.notConnected, "\(name) did not take the connection in time")
      }
    } catch {
      reactor.submit { dial.giveUp() }
      throw error
    }
  }

  private init(_ socket: Int32, _ address: DialAddress, _ name: String) {
    self.socket = socket
    self.address = address
    self.name = name
  }

  /// The socket has connected, or failed to.
  func ready(_ events: ReactorEvents) {
    if events.contains(.stopped) { return finish(ECANCELED) }
    var failure: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &size)
    finish(failure)
  }

  private func start(on reactor: Reactor) {
    let outcome = address.bytes.withUnsafeBytes { bytes in
      bytes.baseAddress.map { Glibc.connect(socket, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) }
    }
    if outcome == 0 { return finish(0) }
    guard errno == EINPROGRESS else { return finish(errno) }
    do {
      source = try reactor.watch(socket, .write, self)
    } catch {
      finish(ECANCELED)
    }
  }

  private func finish(_ failure: Int32) {
    source?.cancel()
    source = nil
    if failure == 0 {
      // Whoever has stopped waiting closes the socket.
      done.resolve(.success(socket))
    } else {
      done.resolve(
        .failure(RedisError(.notConnected, "\(name) does not take the connection: \(SystemErrorText.of(failure))")))
    }
  }

  private func giveUp() {
    source?.cancel()
    source = nil
    Glibc.close(socket)
  }

  private static func configure(_ socket: Int32, _ options: RedisOptions) {
    func set(_ level: Int32, _ option: Int32, _ value: Int64) {
      var value = Int32(clamping: max(value, 1))
      setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
    let tcp = Int32(IPPROTO_TCP)
    set(tcp, TCP_NODELAY, 1)
    set(SOL_SOCKET, SO_KEEPALIVE, 1)
    set(tcp, TCP_KEEPIDLE, options.tcpKeepAlive.components.seconds)
    set(tcp, TCP_KEEPINTVL, max(options.tcpKeepAlive.components.seconds / 3, 1))
    set(tcp, TCP_KEEPCNT, 3)
    set(tcp, TCP_USER_TIMEOUT, options.tcpUserTimeout.milliseconds)
  }
}
