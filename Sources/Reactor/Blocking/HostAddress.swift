import Glibc

/// An address of IPv4 or IPv6, as the system's `sockaddr` has it, without a port.
public struct HostAddress: Sendable, Hashable {
  /// `AF_INET` or `AF_INET6`.
  public let family: Int32
  private let bytes: [UInt8]

  /// Reads an address in digits: `127.0.0.1`, `::1`, `fe80::1%eth0`. Nil for anything else; nothing is looked up.
  public init?(_ text: String) {
    guard case .success(let found) = HostAddress.resolve(text, flags: AI_NUMERICHOST), let first = found.first else {
      return nil
    }
    self = first
  }

  private init?(_ info: addrinfo) {
    guard [AF_INET, AF_INET6].contains(info.ai_family), let address = info.ai_addr else { return nil }
    family = info.ai_family
    bytes = [UInt8](UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen)))
  }

  /// The bytes of a `sockaddr_in` or `sockaddr_in6` with that port.
  public func socketAddress(port: UInt16) -> [UInt8] {
    var bytes = bytes
    // Both begin with the family in two bytes and the port in two, the most significant first.
    bytes[2] = UInt8(truncatingIfNeeded: port >> 8)
    bytes[3] = UInt8(truncatingIfNeeded: port)
    return bytes
  }

  /// All addresses of a name. Blocks, unless `flags` says that it is an address already.
  static func resolve(_ host: String, flags: Int32 = 0) -> NameLookup.Answer {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = flags
    var list: UnsafeMutablePointer<addrinfo>?
    let failure = getaddrinfo(host, nil, &hints, &list)
    guard failure == 0 else { return .failure(unknown(host, String(cString: gai_strerror(failure)))) }
    defer { freeaddrinfo(list) }
    var addresses: [HostAddress] = []
    var next = list
    while let info = next?.pointee {
      if let address = HostAddress(info), !addresses.contains(address) { addresses.append(address) }
      next = info.ai_next
    }
    return addresses.isEmpty ? .failure(unknown(host, "it has no address")) : .success(addresses)
  }

  private static func unknown(_ host: String, _ reason: String) -> NameLookupError {
    NameLookupError(.notFound, "the host '\(host)' was not found: \(reason)")
  }
}

extension HostAddress: CustomStringConvertible {
  /// The address in digits.
  public var description: String {
    bytes.withUnsafeBytes { bytes in
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { text in
        guard let start = text.baseAddress, let address = bytes.baseAddress,
          getnameinfo(
            address.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count), start, socklen_t(NI_MAXHOST), nil,
            0, NI_NUMERICHOST) == 0
        else { return "an address of family \(family)" }
        return String(cString: start)
      }
    }
  }
}
