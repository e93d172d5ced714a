import Glibc
import Synchronization

/// A socket that answers whatever a test wants: each connection gets the next answer for what it sends.
final class FakeServer: Sendable {
  let path: String
  private let listener: Int32
  private let answer: @Sendable (_ connection: Int, _ received: [UInt8]) -> [UInt8]?
  private let open = Mutex<[Int32]>([])

  /// `answer` is called for each piece received; nil closes the connection.
  init(_ answer: @escaping @Sendable (_ connection: Int, _ received: [UInt8]) -> [UInt8]?) throws {
    path = "/tmp/mainstay-fake-\(getpid())-\(UInt64.random(in: 0 ... .max)).sock"
    self.answer = answer
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let bound = withUnixAddress(path) { bind(listener, $0, $1) }
    guard bound == 0, listen(listener, 64) == 0 else { throw ServerFailure("cannot listen: error \(errno)") }
    let me = Unmanaged.passRetained(self)
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { pointer in
        if let pointer { Unmanaged<FakeServer>.fromOpaque(pointer).takeRetainedValue().accept() }
        return nil
      }, me.toOpaque())
    pthread_detach(thread)
  }

  func close() {
    shutdown(listener, Int32(SHUT_RDWR))
    for descriptor in open.withLock({ $0 }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    unlink(path)
  }

  private func accept() {
    var number = 0
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      if descriptor < 0 {
        Glibc.close(listener)
        return
      }
      open.withLock { $0.append(descriptor) }
      let index = number
      number += 1
      let job = Unmanaged.passRetained(Job { [self] in serve(descriptor, index) })
      var thread = pthread_t()
      pthread_create(
        &thread, nil,
        { pointer in
          if let pointer { Unmanaged<Job>.fromOpaque(pointer).takeRetainedValue().body() }
          return nil
        }, job.toOpaque())
      pthread_detach(thread)
    }
  }

  private func serve(_ descriptor: Int32, _ index: Int) {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0, let reply = answer(index, Array(buffer[..<count])) else { break }
      var sent = 0
      while sent < reply.count {
        let written = reply.withUnsafeBytes { bytes in
          send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
        }
        if written <= 0 { break }
        sent += written
      }
    }
    shutdown(descriptor, Int32(SHUT_RDWR))
    open.withLock { $0.removeAll { $0 == descriptor } }
    Glibc.close(descriptor)
  }
}

private final class Job: Sendable {
  let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
