import Glibc
import Synchronization

/// Another host as far as the network can tell: a network namespace of the kernel's, joined with the machine's own by a cable
/// (veth). Its ports lead to the unix sockets of servers, which do not mind where their clients come from.
///
/// `vanish` drops every packet in both directions, without a word to either side, as a broken switch does: both ends go on
/// sending, to an address that no card has. The namespace and the cable go with the last socket in it, at the latest with
/// this process.
final class FarHost: Sendable {
  let address: String
  private let ownAddress: String
  private let cable: String
  private let namespace: Descriptor
  private let ports = Mutex<[Relay]>([])

  /// Why there can be none here; nil if there can.
  static let obstacle: String? = {
    if geteuid() != 0 { return "network namespaces can only be made by root" }
    if tool == nil { return "iproute2 (the program ip) is not installed" }
    do {
      _ = try FarHost()
      return nil
    } catch {
      return "no network namespace can be made: \(error)"
    }
  }()

  private static let ipPrograms: [String] = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"]
  private static let tool = ipPrograms.first { access($0, X_OK) == 0 }
  private static let count = Atomic<Int>(0)
  private static let nobody = "02:00:00:00:00:99"

  init() throws {
    let number = Self.count.add(1, ordering: .relaxed).newValue
    let (prefix, host) = ("198.18.\(getpid() % 250 + 1)", number % 60 * 4)
    address = "\(prefix).\(host + 2)"
    ownAddress = "\(prefix).\(host + 1)"
    cable = "far\(getpid())x\(number)"
    let (cable, address, own) = (cable, address, getpid())
    namespace = try onThread {
      try Namespace.leave()
      try Self.ip("link set lo up")
      try Self.ip("link add cable type veth peer name \(cable) netns \(own)")
      try Self.ip("address add \(address)/30 dev cable")
      try Self.ip("link set cable up")
      return try Descriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "open the namespace")
    }
    try Self.ip("address add \(ownAddress)/30 dev \(cable)")
    try Self.ip("link set \(cable) up")
  }

  deinit {
    for port in ports.withLock({ $0 }) { port.close() }
    try? Self.ip("link delete \(cable)")
  }

  /// Opens a port that leads to the server behind a unix socket.
  func port(to path: String) throws -> UInt16 {
    let relay = try inside { try Relay(address: self.address, path: path) }
    ports.withLock { $0.append(relay) }
    return relay.port
  }

  /// From now on nothing arrives on either side.
  func vanish() throws {
    try Self.ip("neighbour replace \(address) lladdr \(Self.nobody) dev \(cable) nud permanent")
    let ownAddress = ownAddress
    try inside { try Self.ip("neighbour replace \(ownAddress) lladdr \(Self.nobody) dev cable nud permanent") }
  }

  /// From now on everything arrives again.
  func comeBack() throws {
    try Self.ip("neighbour delete \(address) dev \(cable)")
    let ownAddress = ownAddress
    try inside { try Self.ip("neighbour delete \(ownAddress) dev cable") }
  }

  private func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
    let namespace = namespace
    return try onThread {
      try Namespace.enter(namespace)
      return try body()
    }
  }

  private static func ip(_ words: String) throws {
    guard let tool else { throw FarHostError("iproute2 is not installed") }
    let all = [tool] + words.split(separator: " ").map(String.init)
    var arguments: [UnsafeMutablePointer<CChar>?] = all.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var (child, status) = (pid_t(), Int32(0))
    let failure = posix_spawn(&child, tool, nil, nil, &arguments, environ)
    guard failure == 0, waitpid(child, &status, 0) == child, status == 0 else {
      throw FarHostError("ip \(words): error \(failure), status \(status)")
    }
  }
}

struct FarHostError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// A file descriptor that is closed with its last holder.
final class Descriptor: Sendable {
  let number: Int32

  init(_ number: Int32, _ what: String) throws {
    guard number >= 0 else { throw FarHostError("cannot \(what): error \(errno)") }
    self.number = number
  }

  deinit { close(number) }
}

/// Of a thread: which network it sees. Glibc's headers show these functions to C with extensions only.
private enum Namespace {
  static func leave() throws { try check(unshare?(network), "unshare") }
  static func enter(_ namespace: Descriptor) throws { try check(setns?(namespace.number, network), "setns") }

  private static func check(_ result: Int32?, _ what: String) throws {
    if result != 0 { throw FarHostError("\(what): error \(errno)") }
  }

  private static let network: Int32 = 0x4000_0000
  private static let unshare = dlsym(nil, "unshare").map {
    unsafeBitCast($0, to: (@convention(c) (Int32) -> Int32).self)
  }
  private static let setns = dlsym(nil, "setns").map {
    unsafeBitCast($0, to: (@convention(c) (Int32, Int32) -> Int32).self)
  }
}

/// Passes bytes on between the connections to a port and as many to a unix socket. What a thread has opened stays in the
/// network that the thread sees.
private final class Relay: Sendable {
  let port: UInt16
  private let listener: Descriptor
  private let path: String

  init(address: String, path: String) throws {
    self.path = path
    listener = try Descriptor(socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0), "socket")
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    inet_pton(AF_INET, address, &place.sin_addr)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let number = listener.number
    let outcome = withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(number, address, size) == 0 && listen(number, 64) == 0 && getsockname(number, address, &size) == 0
      }
    }
    guard outcome else { throw FarHostError("cannot listen at \(address): error \(errno)") }
    port = UInt16(bigEndian: place.sin_port)
    startThread { self.accept() }
  }

  func close() { shutdown(listener.number, Int32(SHUT_RDWR)) }

  private func accept() {
    while true {
      let number = Glibc.accept(listener.number, nil, nil)
      guard number >= 0, let client = try? Descriptor(number, "accept") else { return }
      // A server asks whether its client is still there, too, but not so soon.
      set(client, SOL_SOCKET, SO_KEEPALIVE, 1)
      for option in [TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT] { set(client, Int32(IPPROTO_TCP), option, 1) }
      set(client, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
      guard let server = connect() else { continue }
      startThread { Relay.pass(from: client, to: server) }
      startThread { Relay.pass(from: server, to: client) }
    }
  }

  private func set(_ socket: Descriptor, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(socket.number, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  private func connect() -> Descriptor? {
    guard
      let server = try? Descriptor(
        socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0), "socket")
    else { return nil }
    var place = sockaddr_un()
    place.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &place.sun_path) { target in
      for (index, byte) in path.utf8.prefix(target.count - 1).enumerated() { target[index] = byte }
    }
    let outcome = withUnsafePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(server.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return outcome == 0 ? server : nil
  }

  private static func pass(from source: Descriptor, to target: Descriptor) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(source.number, &buffer, buffer.count, 0)
      var sent = 0
      while sent < count {
        let written = buffer.withUnsafeBytes {
          send(target.number, $0.baseAddress?.advanced(by: sent), count - sent, Int32(MSG_NOSIGNAL))
        }
        if written <= 0 { break }
        sent += written
      }
      if count <= 0 || sent < count { break }
    }
    shutdown(source.number, Int32(SHUT_RDWR))
    shutdown(target.number, Int32(SHUT_RDWR))
  }
}

private final class ThreadBody: Sendable {
  let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func startThread(_ body: @escaping @Sendable () -> Void) {
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { pointer in
      if let pointer { Unmanaged<ThreadBody>.fromOpaque(pointer).takeRetainedValue().body() }
      return nil
    }, Unmanaged.passRetained(ThreadBody(body)).toOpaque())
  pthread_detach(thread)
}

/// Runs something on a thread of its own, and waits for it.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
  let outcome = Outcome<Value>()
  startThread {
    let result = Result { try body() }
    outcome.value.withLock { $0 = result }
  }
  while true {
    if let result = outcome.value.withLock({ $0 }) { return try result.get() }
    usleep(500)
  }
}

private final class Outcome<Value: Sendable>: Sendable {
  let value = Mutex<Result<Value, any Error>?>(nil)
}
