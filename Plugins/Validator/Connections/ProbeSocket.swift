import Glibc

/// A connection that is opened, asked one thing and closed, on a thread that may block until its time is over.
struct ProbeSocket: ~Copyable {
  /// Why that failed.
  struct Failure: Error {
    let text: String

    init(_ text: String) { self.text = text }

    init(_ code: Int32) {
      text =
        switch code {
        case ECONNREFUSED: "connection refused"
        case ECONNRESET, EPIPE: "it closed the connection"
        case ETIMEDOUT: "no answer"
        case EHOSTUNREACH, ENETUNREACH: "no route"
        case ENOENT: "there is no such socket file"
        case EACCES, EPERM: "not permitted"
        default: "error \(code)"
        }
    }
  }

  private let descriptor: Int32
  private let due: Int

  /// Connects to an address.
  /// - Parameter due: When its time is over, on the monotonic clock, in milliseconds.
  init(
    _ family: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t, due: Int
  ) throws(Failure) {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    descriptor = socket(family, kind, 0)
    self.due = due
    guard descriptor >= 0 else { throw Failure(errno) }
    guard Glibc.connect(descriptor, address, length) != 0 else { return }
    // A socket file whose queue is full says so at once.
    guard errno == EINPROGRESS else { throw Failure(errno == EAGAIN ? ETIMEDOUT : errno) }
    try wait(for: Int16(POLLOUT))
    var error: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
    if error != 0 { throw Failure(error) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Sends the greeting, and reads until its answer is complete.
  func greet(_ greeting: ServiceGreeting) throws(Failure) {
    let question = greeting.question
    guard !question.isEmpty else { return }
    // A few dozen bytes: they fit into the buffer of a fresh connection.
    guard send(descriptor, question, question.count, Int32(MSG_NOSIGNAL)) == question.count else {
      throw Failure(errno)
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 512)
    while true {
      switch greeting.verdict(answer) {
      case .fine: return
      case .failure(let reason): throw Failure(reason)
      case .incomplete: break
      }
      try wait(for: Int16(POLLIN))
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { throw count == 0 ? Failure("it closed the connection without an answer") : Failure(errno) }
      answer += buffer[..<count]
    }
  }

  private func wait(for events: Int16) throws(Failure) {
    while true {
      var descriptor = pollfd(fd: descriptor, events: events, revents: 0)
      let ready = poll(&descriptor, 1, Int32(clamping: max(0, due - Self.now)))
      if ready > 0 { return }
      guard ready < 0, errno == EINTR else { throw Failure(ready == 0 ? ETIMEDOUT : errno) }
    }
  }

  /// Milliseconds on the monotonic clock.
  static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
  }
}
