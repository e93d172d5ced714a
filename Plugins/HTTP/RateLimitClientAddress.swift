import Glibc
import HTTPTypes
import MainstayHTTP

/// An IPv4 or IPv6 address. An IPv4 address is kept as IPv6 writes it, `::ffff:192.0.2.1`, so that both forms are equal.
struct IPAddress: Sendable, Hashable, CustomStringConvertible {
  /// Sixteen bytes, in network order.
  let bytes: [UInt8]

  /// Reads `192.0.2.1`, `2001:db8::1`, also with a zone (`fe80::1%eth0`), which is dropped. Nil if it is neither.
  init?(_ text: some StringProtocol) {
    let text = String(text.prefix { $0 != "%" })
    guard text.utf8.count <= 45 else { return nil }
    var six = in6_addr()
    if inet_pton(AF_INET6, text, &six) == 1 {
      bytes = withUnsafeBytes(of: six) { Array($0) }
      return
    }
    var four = in_addr()
    guard inet_pton(AF_INET, text, &four) == 1 else { return nil }
    bytes = Self.mappedPrefix + withUnsafeBytes(of: four) { Array($0) }
  }

  private static let mappedPrefix: [UInt8] = Array(repeating: 0, count: 10) + [0xFF, 0xFF]

  /// Whether it is an IPv4 address.
  var isIPv4: Bool { bytes.starts(with: Self.mappedPrefix) }

  /// The address, IPv4 in its own form.
  var description: String {
    isIPv4 ? bytes.suffix(4).map(String.init).joined(separator: ".") : text
  }

  /// Under what a limit counts: an IPv4 address by itself; of an IPv6 address the network of 64 bits, because
  /// a client has all of it.
  var limitKey: String {
    isIPv4 ? description : groups.prefix(4).joined(separator: ":") + "::/64"
  }

  private var groups: [String] {
    stride(from: 0, to: 16, by: 2).map { String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16) }
  }

  private var text: String {
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let isWritten = bytes.withUnsafeBytes {
      inet_ntop(AF_INET6, $0.baseAddress, &buffer, socklen_t(buffer.count)) != nil
    }
    guard isWritten else { return groups.joined(separator: ":") }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// Addresses that begin with the same bits: `10.0.0.0/8`, `fd00::/8`, or a single one.
struct IPNetwork: Sendable, Hashable {
  private let address: IPAddress
  private let bits: Int

  /// Reads `10.0.0.0/8` or a single address. Nil if it is neither.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPAddress(first) else { return nil }
    let width = address.isIPv4 && !first.contains(":") ? 32 : 128
    guard let length = parts.count == 1 ? width : Self.length(parts[1]), length <= width else { return nil }
    self.address = address
    bits = 128 - width + length
  }

  private static func length(_ text: some StringProtocol) -> Int? {
    text.allSatisfy { $0.isASCII && $0.isNumber } ? Int(text) : nil
  }

  /// Whether an address is one of them.
  func contains(_ other: IPAddress) -> Bool {
    let whole = bits / 8
    guard address.bytes.prefix(whole) == other.bytes.prefix(whole) else { return false }
    let rest = bits % 8
    return rest == 0 || (address.bytes[whole] ^ other.bytes[whole]) >> UInt8(8 - rest) == 0
  }
}

/// Finds the address of the client behind reverse proxies.
///
/// A proxy appends the address it was called from; what stands to the left of that came from the client and may be
/// a lie. So the list is read from the right, as long as the one who wrote the entry is trusted: the first address that
/// is not a trusted proxy's is the client's. Only one header is read: a proxy that writes the one passes on whatever the
/// client wrote into the other.
struct ClientAddress: Sendable {
  /// More proxies than this are not followed.
  static let maximumHops = 32

  private let proxies: [IPNetwork]
  private let trustsUnixSocket: Bool
  private let header: HTTPProxyHeader

  /// Trusts these networks, and `unix` for whoever connects through a Unix socket. What cannot be read trusts nobody;
  /// the configuration is checked with ``mistake(in:)``.
  init(trustedProxies: [String], header: HTTPProxyHeader = .xForwardedFor) {
    proxies = trustedProxies.compactMap { IPNetwork($0) }
    trustsUnixSocket = trustedProxies.contains("unix")
    self.header = header
  }

  /// What is wrong with an entry of the list of proxies; nil if nothing is.
  static func mistake(in proxy: String) -> String? {
    if proxy == "unix" || IPNetwork(proxy) != nil { return nil }
    return "must be an address, a network such as 10.0.0.0/8, or unix"
  }

  /// The client's address, or that of the peer where there is no trusted proxy; nil for a Unix socket.
  /// - Parameters:
  ///   - peer: The address of the other end of the connection, without its port; nil for a Unix socket.
  ///   - fields: The header of the request.
  func resolve(peer: String?, fields: ForwardedFields) -> String? {
    guard isTrusted(peer) else { return peer }
    var client = peer
    for hop in hops(fields).reversed().prefix(Self.maximumHops) {
      guard let address = hop else { break }
      client = address.description
      if !proxies.contains(where: { $0.contains(address) }) { break }
    }
    return client
  }

  private func isTrusted(_ peer: String?) -> Bool {
    guard let peer else { return trustsUnixSocket }
    guard let address = IPAddress(peer) else { return false }
    return proxies.contains { $0.contains(address) }
  }

  /// Finds the client of a request; as ``RequestPipeline`` asks for it. Nil if no proxy is trusted.
  var resolver: (@Sendable (Request, String?) -> String?)? {
    guard !proxies.isEmpty || trustsUnixSocket else { return nil }
    return { request, peer in
      let fields = ForwardedFields(
        xForwardedFor: request.headers.values("X-Forwarded-For"), forwarded: request.headers.values("Forwarded"))
      return resolve(peer: peer, fields: fields)
    }
  }

  /// The entries from left to right, nil for one that is not an address.
  private func hops(_ fields: ForwardedFields) -> [IPAddress?] {
    switch header {
    case .xForwardedFor: fields.xForwardedFor.flatMap { $0.split(separator: ",") }.map { Self.address(trimmed($0)) }
    case .forwarded: fields.forwarded.flatMap { Self.elements($0) }.map { Self.forAddress($0) }
    }
  }

  /// The header's values, each field by itself, in the order of the request.
  struct ForwardedFields: Sendable {
    var xForwardedFor: [String] = []
    var forwarded: [String] = []
  }

  /// The address in `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
  private static func address(_ text: Substring) -> IPAddress? {
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { return nil }
      return IPAddress(text[text.index(after: text.startIndex)..<end])
    }
    // One colon is that of a port, two are those of IPv6.
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    return IPAddress(parts.count == 2 ? parts[0] : text)
  }

  /// The elements of a `Forwarded` header; commas in quotes do not count.
  private static func elements(_ text: String) -> [Substring] {
    var isQuoted = false
    return text.split { character in
      if character == "\"" { isQuoted.toggle() }
      return character == "," && !isQuoted
    }
  }

  private static func forAddress(_ element: Substring) -> IPAddress? {
    for pair in element.split(separator: ";") {
      let parts = pair.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, trimmed(parts[0]).lowercased() == "for" else { continue }
      return address(trimmed(parts[1]).drop { $0 == "\"" }.prefix { $0 != "\"" })
    }
    return nil
  }
}

/// The text without blanks around it.
func trimmed(_ text: Substring) -> Substring {
  var text = text.drop { $0 == " " || $0 == "\t" }
  while let last = text.last, last == " " || last == "\t" { text.removeLast() }
  return text
}

extension ClientAddress {
  /// What a server's configuration says of its proxies.
  init(_ configuration: HTTPConfiguration) {
    self.init(trustedProxies: configuration.trustedProxies, header: configuration.proxyHeader)
  }
}
