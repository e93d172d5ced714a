import Dispatch
import Glibc
import MainstayKernel
import MainstayResilience

/// Whether something that the configuration names can be reached.
struct ConnectionResult: Sendable, Hashable {
  /// The key that names it.
  let path: String
  /// Host and port. The address itself may hold a password.
  let target: String
  /// Why it cannot be reached; nil if it can.
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

/// Opens connections to what the configuration names, and closes them again at once. Proves nothing about passwords: that
/// is what the pool's health check is for.
struct ConnectionProbe: Sendable {
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
    var seen: Set<String> = []
    let targets = facts.facts.compactMap { fact -> (String, String, Int)? in
      guard let url = fact.url, let host = url.host, let port = url.knownPort, (1...65_535).contains(port) else {
        return nil
      }
      return seen.insert("\(host):\(port)").inserted ? (fact.path, host, port) : nil
    }
    return await withTaskGroup(of: ConnectionResult.self) { group in
      for (path, host, port) in targets.prefix(Self.most) {
        group.addTask { await result(path, host, port) }
      }
      return await group.reduce(into: []) { $0.append($1) }.sorted { $0.path < $1.path }
    }
  }

  private func result(_ path: String, _ host: String, _ port: Int) async -> ConnectionResult {
    let began = timer.clock.now
    let failure: String?
    do {
      // Looking names up blocks, and cannot be cancelled.
      failure = try await withDeadline(timeout, timer: timer, operation: path, overrun: .abandon) {
        await onThread { connect(host, port) }
      }
    } catch {
      failure = "no answer within \(timeout.formattedShort)"
    }
    return ConnectionResult(
      path: path, target: "\(host):\(port)", failure: failure, latency: began.duration(to: timer.clock.now))
  }

  private func onThread(_ body: @escaping @Sendable () -> String?) async -> String? {
    await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: body()) } }
  }

  /// Why no connection comes about; nil if one does.
  private func connect(_ host: String, _ port: Int) -> String? {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, "\(port)", &hints, &list)
    guard code == 0 else { return "the name cannot be looked up: \(String(cString: gai_strerror(code)))" }
    defer { freeaddrinfo(list) }
    var failure = "the name has no address"
    var next = list
    while let address = next?.pointee {
      guard let reason = open(address) else { return nil }
      failure = reason
      next = address.ai_next
    }
    return failure
  }

  private func open(_ address: addrinfo) -> String? {
    let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(address.ai_family, address.ai_socktype | flags, address.ai_protocol)
    guard descriptor >= 0 else { return reason(errno) }
    defer { close(descriptor) }
    if Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return nil }
    guard errno == EINPROGRESS else { return reason(errno) }
    var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    guard poll(&wait, 1, Int32(clamping: Int(timeout / .milliseconds(1)))) == 1 else { return reason(ETIMEDOUT) }
    var error: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
    return error == 0 ? nil : reason(error)
  }

  private func reason(_ code: Int32) -> String {
    switch code {
    case ECONNREFUSED: "connection refused"
    case ETIMEDOUT: "no answer"
    case EHOSTUNREACH, ENETUNREACH: "no route"
    default: "error \(code)"
    }
  }
}
