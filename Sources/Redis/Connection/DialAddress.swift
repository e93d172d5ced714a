import Glibc
import MainstayReactor

/// An address that a socket can connect to.
struct DialAddress: Sendable {
  let family: Int32
  /// The bytes of the system's `sockaddr`.
  let bytes: [UInt8]

  private init(family: Int32, bytes: [UInt8]) {
    self.family = family
    self.bytes = bytes
  }

  init(_ host: HostAddress, port: UInt16) {
    self.init(family: host.family, bytes: host.socketAddress(port: port))
  }

  static func unix(_ path: String) -> DialAddress {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { target in
      for (index, byte) in path.utf8.prefix(target.count - 1).enumerated() { target[index] = byte }
    }
    return DialAddress(family: AF_UNIX, bytes: withUnsafeBytes(of: &address) { [UInt8]($0) })
  }
}

extension NameLookup {
  /// Addresses of a host, in the order in which the system prefers them. Whoever waits goes at the deadline; a late answer
  /// is dropped.
  func addresses(of host: String, by deadline: MonotonicInstant, on reactor: Reactor) async throws -> [HostAddress] {
    if let address = HostAddress(host) { return [address] }
    let answer = OneShot<[HostAddress]>()
    start(host) { found in answer.resolve(found.mapError { RedisError($0) }) }
    return try await answer.value(by: deadline, on: reactor) {
      RedisError(.notConnected, "the name '\(host)' was not looked up in time; check the name server")
    }
  }
}

extension RedisError {
  fileprivate init(_ error: NameLookupError) {
    self.init(
      error.code == .busy ? .overloaded : .notConnected, "\(error.message); check the name, and the name server")
  }
}
