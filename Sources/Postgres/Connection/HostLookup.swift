import Glibc

/// The addresses of a host's name. `getaddrinfo` blocks, for as long as the name servers please, and cannot be interrupted;
/// so it has threads of its own.
enum HostLookup {
  /// Whether a text is an address already, so that nothing has to be looked up.
  static func isAddress(_ host: String) -> Bool {
    var four = in_addr()
    var six = in6_addr()
    let withoutZone = host.split(separator: "%", maxSplits: 1).first.map(String.init) ?? host
    return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, withoutZone, &six) == 1
  }

  /// Looks a name up. False if too many lookups hang already. `answer` is called on a thread of the lookup's.
  static func start(_ host: String, _ answer: @escaping @Sendable (Result<[String], PostgresError>) -> Void) -> Bool {
    BlockingThreads.lookups.run { answer(addresses(of: host)) }
  }

  private static func addresses(of host: String) -> Result<[String], PostgresError> {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let failure = getaddrinfo(host, nil, &hints, &list)
    guard failure == 0 else {
      return .failure(
        PostgresError(.connect, "the host '\(host)' was not found: \(String(cString: gai_strerror(failure)))"))
    }
    defer { freeaddrinfo(list) }
    var addresses: [String] = []
    var next = list
    while let info = next?.pointee {
      if let address = text(of: info), !addresses.contains(address) { addresses.append(address) }
      next = info.ai_next
    }
    return .success(addresses)
  }

  private static func text(of info: addrinfo) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
      guard let start = buffer.baseAddress,
        getnameinfo(info.ai_addr, info.ai_addrlen, start, socklen_t(NI_MAXHOST), nil, 0, NI_NUMERICHOST) == 0
      else { return nil }
      return String(cString: start)
    }
  }
}
