import Dispatch
import Glibc
import MainstayKernel
import MainstayResilience

/// Whether something that the configuration names can be reached.
struct ConnectionResult: Sendable, Hashable {
  /// The key that names it.
  let path: String
  /// Host and port, or the socket file. The address itself may hold a password.
  let target: String
  /// Why it cannot be used; nil if it can.
  let failure: String?
  let latency: Duration

  var json: JSONValue {
    var object: JSONObject = [
      "path": .string(path), "target": .string(target), "reachable": .bool(failure == nil),
      "latencyMilliseconds": .number((latency / .microseconds(1)).rounded() / 1000),
    ]
    object["failure"] = failure.map { .string($0) }
    return .object(object)
  }

  var text: String {
    "\(failure == nil ? "reachable  " : "unreachable") \(target) (\(path))\(failure.map { ": " + $0 } ?? "")"
  }
}

/// Opens connections to what the configuration names, asks PostgreSQL and Redis whether they are that, and closes them again at
/// once. Redis is told the password; that of PostgreSQL is proved by the pool's health check.
struct ConnectionProbe: Sendable {
  /// One place that an address leads to.
  private struct Target: Sendable {
    let path: String
    let place: ServiceURL.Place
    let greeting: ServiceGreeting

    var name: String {
      switch place {
      case .host(let host, let port): "\(host):\(port ?? 0)"
      case .socket(let path): path
      }
    }
  }

  /// The most that is tried at a time, and in all.
  static let most = 32

  let timer: DeadlineTimer
  let timeout: Duration
  private let queue = DispatchQueue(label: "validator.connections", attributes: .concurrent)

  init(timer: DeadlineTimer, timeout: Duration) {
    self.timer = timer
    self.timeout = timeout
  }

  /// Tries every address in the configuration, at the same time.
  func results(_ facts: ConfigurationFacts) async -> [ConnectionResult] {
    await withTaskGroup(of: ConnectionResult.self) { group in
      for target in targets(facts).prefix(Self.most) { group.addTask { await result(target) } }
      return await group.reduce(into: []) { $0.append($1) }.sorted { ($0.path, $0.target) < ($1.path, $1.target) }
    }
  }

  /// Each place once, also if several keys name it.
  private func targets(_ facts: ConfigurationFacts) -> [Target] {
    var seen: Set<String> = []
    return facts.facts.flatMap { fact -> [Target] in
      guard let url = fact.url else { return [] }
      return url.places.compactMap { place in
        var place = place
        if case .host(let host, let port) = place {
          guard let port = port ?? url.usualPort, (1...65_535).contains(port) else { return nil }
          place = .host(host, port: port)
        }
        let target = Target(path: fact.path, place: place, greeting: ServiceGreeting(url, at: place))
        return seen.insert(target.name).inserted ? target : nil
      }
    }
  }

  private func result(_ target: Target) async -> ConnectionResult {
    let began = timer.clock.now
    let failure: String?
    do {
      // Looking names up blocks, and cannot be cancelled.
      failure = try await withDeadline(timeout, timer: timer, operation: target.path, overrun: .abandon) {
        await onThread { attempt(target) }
      }
    } catch {
      failure = "no answer within \(timeout.formattedShort)"
    }
    return ConnectionResult(
      path: target.path, target: target.name, failure: failure, latency: began.duration(to: timer.clock.now))
  }

  private func onThread(_ body: @escaping @Sendable () -> String?) async -> String? {
    await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: body()) } }
  }

  /// Why it cannot be used; nil if it can.
  private func attempt(_ target: Target) -> String? {
    let due = ProbeSocket.now + Int(clamping: Int64(timeout / .milliseconds(1)))
    switch target.place {
    case .host(let host, let port): return network(host, port ?? 0, target.greeting, due)
    case .socket(let path): return file(path, target.greeting, due)
    }
  }

  /// Tries the addresses of a name one after the other.
  private func network(_ host: String, _ port: Int, _ greeting: ServiceGreeting, _ due: Int) -> String? {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, "\(port)", &hints, &list)
    guard code == 0 else { return "the name cannot be looked up: \(String(cString: gai_strerror(code)))" }
    defer { freeaddrinfo(list) }
    var failure = "the name has no address"
    var next = list
    while let address = next?.pointee {
      guard let reason = Self.reason(address.ai_family, address.ai_addr, address.ai_addrlen, greeting, due) else {
        return nil
      }
      failure = reason
      next = address.ai_next
    }
    return failure
  }

  private func file(_ path: String, _ greeting: ServiceGreeting, _ due: Int) -> String? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return "its path is too long" }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        Self.reason(AF_UNIX, raw, socklen_t(MemoryLayout<sockaddr_un>.size), greeting, due)
      }
    }
  }

  private static func reason(
    _ family: Int32, _ address: UnsafePointer<sockaddr>?, _ length: socklen_t, _ greeting: ServiceGreeting, _ due: Int
  ) -> String? {
    guard let address else { return "the name has no address" }
    do throws(ProbeSocket.Failure) {
      try ProbeSocket(family, address, length, due: due).greet(greeting)
      return nil
    } catch {
      return error.text
    }
  }
}
