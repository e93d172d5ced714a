import Glibc
import MainstayReactor
import Synchronization

/// An address that a socket can connect to.
struct DialAddress: Sendable {
  let family: Int32
  /// The bytes of the system's `sockaddr`.
  let bytes: [UInt8]

  static func unix(_ path: String) -> DialAddress {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { target in
      for (index, byte) in path.utf8.prefix(target.count - 1).enumerated() { target[index] = byte }
    }
    return DialAddress(family: AF_UNIX, bytes: withUnsafeBytes(of: &address) { [UInt8]($0) })
  }

  /// Addresses of a host. Blocks for as long as the system's resolver takes, unless the host is an address.
  static func lookUp(host: String, port: UInt16, isNumeric: Bool) -> [DialAddress]? {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV | (isNumeric ? AI_NUMERICHOST : AI_ADDRCONFIG)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return nil }
    defer { freeaddrinfo(list) }
    var found: [DialAddress] = []
    var next = list
    while let item = next {
      if let address = item.pointee.ai_addr {
        let bytes = [UInt8](UnsafeRawBufferPointer(start: address, count: Int(item.pointee.ai_addrlen)))
        found.append(DialAddress(family: item.pointee.ai_family, bytes: bytes))
      }
      next = item.pointee.ai_next
    }
    return found
  }
}

/// Looks up names on two threads of its own, since the system's resolver blocks, for as long as it likes. Whoever waits
/// goes at the deadline; the thread finishes on its own, and its late answer is dropped.
final class NameLookup: Sendable {
  static let shared = NameLookup()

  private static let maxThreads = 2
  private static let maxQueue = 64

  private struct Request {
    let host: String
    let port: UInt16
    let answer: OneShot<[DialAddress]>
  }

  private struct State {
    var queue: [Request] = []
    var threads = 0
  }

  private let state = Mutex(State())

  /// Addresses of a host, in the order in which the system prefers them.
  func addresses(
    of host: String, port: UInt16, by deadline: MonotonicInstant, on reactor: Reactor
  ) async throws -> [DialAddress] {
    if let addresses = DialAddress.lookUp(host: host, port: port, isNumeric: true) { return addresses }
    let answer = OneShot<[DialAddress]>()
    try enqueue(Request(host: host, port: port, answer: answer))
    return try await answer.value(by: deadline, on: reactor) {
      RedisError(.notConnected, "the name '\(host)' was not looked up in time; check the name server")
    }
  }

  private func enqueue(_ request: Request) throws {
    let startsThread = try state.withLock { state in
      guard state.queue.count < Self.maxQueue else {
        throw RedisError(.overloaded, "\(Self.maxQueue) names wait to be looked up already; check the name server")
      }
      state.queue.append(request)
      guard state.threads < Self.maxThreads else { return false }
      state.threads += 1
      return true
    }
    if startsThread { startThread() }
  }

  private func startThread() {
    var thread = pthread_t()
    let body = Unmanaged.passRetained(self)
    let failure = pthread_create(
      &thread, nil,
      { pointer in
        if let pointer { Unmanaged<NameLookup>.fromOpaque(pointer).takeRetainedValue().work() }
        return nil
      }, body.toOpaque())
    if failure == 0 {
      pthread_detach(thread)
    } else {
      body.release()
      let stranded = state.withLock { state in
        state.threads -= 1
        defer { if state.threads == 0 { state.queue = [] } }
        return state.threads == 0 ? state.queue : []
      }
      for request in stranded {
        request.answer.resolve(.failure(RedisError(.notConnected, "no thread can be started to look up a name")))
      }
    }
  }

  /// Works the queue off, and ends with it.
  private func work() {
    while let request = next() {
      let found = DialAddress.lookUp(host: request.host, port: request.port, isNumeric: false)
      if let found, !found.isEmpty {
        request.answer.resolve(.success(found))
      } else {
        request.answer.resolve(
          .failure(RedisError(.notConnected, "the name '\(request.host)' is not known; check it, and the name server")))
      }
    }
  }

  private func next() -> Request? {
    state.withLock { state in
      if state.queue.isEmpty {
        state.threads -= 1
        return nil
      }
      return state.queue.removeFirst()
    }
  }
}
