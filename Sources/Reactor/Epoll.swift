import CEpoll
import Glibc

/// The kernel's list of watched descriptors. Owns its descriptor.
struct Epoll: ~Copyable {
  private let descriptor: Int32
  private let events: UnsafeMutablePointer<epoll_event>
  private static let batch = 256

  init() throws(ReactorError) {
    descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw .unavailable("epoll_create1", errno) }
    events = .allocate(capacity: Self.batch)
  }

  deinit {
    close(descriptor)
    events.deallocate()
  }

  /// Watches a descriptor. `EPOLL_CTL_MOD` comes first: a library may have closed its socket and opened another one
  /// under the same number, of which the kernel then knows nothing (ENOENT), so that one is added.
  func watch(_ fd: Int32, _ mask: UInt32, key: UInt64) throws(ReactorError) {
    var event = epoll_event(events: mask, data: epoll_data_t(u64: key))
    if epoll_ctl(descriptor, EPOLL_CTL_MOD, fd, &event) == 0 { return }
    if errno == ENOENT, epoll_ctl(descriptor, EPOLL_CTL_ADD, fd, &event) == 0 { return }
    throw ReactorError(.watchRefused, "descriptor \(fd) cannot be watched: error \(errno)", errno: errno)
  }

  func forget(_ fd: Int32) {
    var event = epoll_event()
    _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, fd, &event)
  }

  /// Waits for events, at most `milliseconds` (-1: without end), and hands each one over.
  func wait(milliseconds: Int32, _ deliver: (_ key: UInt64, _ mask: UInt32) -> Void) {
    let count = epoll_wait(descriptor, events, Int32(Self.batch), milliseconds)
    var index = 0
    while index < Int(count) {
      deliver(events[index].data.u64, events[index].events)
      index += 1
    }
  }
}
