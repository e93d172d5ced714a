import CEpoll
import Glibc

/// What a descriptor is watched for.
public struct ReactorInterest: OptionSet, Sendable {
  /// The bits.
  public let rawValue: UInt32

  /// An interest by its bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Bytes to read, or the end of the stream.
  public static let read = ReactorInterest(rawValue: EPOLLIN.rawValue)
  /// Room to write.
  public static let write = ReactorInterest(rawValue: EPOLLOUT.rawValue)
}

/// What happened to a watched descriptor.
public struct ReactorEvents: OptionSet, Sendable {
  /// The bits.
  public let rawValue: UInt32

  /// Events by their bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// There is something to read; an end of the stream and an error count too, because reading tells which.
  public static let readable = ReactorEvents(rawValue: EPOLLIN.rawValue)
  /// There is room to write.
  public static let writable = ReactorEvents(rawValue: EPOLLOUT.rawValue)
  /// The other side has hung up, or the socket has failed. Comes together with `readable` and `writable`.
  public static let hangup = ReactorEvents(rawValue: EPOLLHUP.rawValue)
  /// The reactor is shutting down; this is the last call. The descriptor is no longer watched.
  public static let stopped = ReactorEvents(rawValue: 1 << 30)

  init(mask: UInt32) {
    let failed = mask & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
    let all = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLHUP.rawValue
    self.init(rawValue: failed ? all : mask & (EPOLLIN.rawValue | EPOLLOUT.rawValue))
  }
}

/// Who is told of a descriptor's events. Called on the reactor's thread, outside any task; it must not block.
public protocol ReactorHandler: AnyObject, Sendable {
  /// The descriptor is ready. It is watched level-triggered: what is not read is reported again.
  func ready(_ events: ReactorEvents)
}

/// A descriptor watched by a reactor. All methods are for the reactor's thread only.
///
/// The reactor keeps the handler alive until `cancel()`. It never closes the descriptor; cancel before you close it.
public final class ReactorSource: @unchecked Sendable {
  // because everything that changes is touched on the reactor's thread only.
  private let loop: ReactorLoop
  private let key: UInt64
  @exclusivity(unchecked) private var fd: Int32
  @exclusivity(unchecked) private var watching: ReactorInterest = []
  @exclusivity(unchecked) private(set) var handler: (any ReactorHandler)?

  init(_ loop: ReactorLoop, fd: Int32, key: UInt64, _ handler: any ReactorHandler) {
    self.loop = loop
    self.fd = fd
    self.key = key
    self.handler = handler
  }

  /// What the descriptor is watched for now.
  public var interest: ReactorInterest { watching }

  /// Changes the interest. Without any, the descriptor is taken from the list altogether, so that a peer who hangs up
  /// while nobody wants to read does not keep the thread awake.
  public func watch(_ interest: ReactorInterest) throws(ReactorError) {
    if interest != watching { try watch(fd, interest) }
  }

  /// Watches a descriptor that may be another one than before, or another socket under the same number, as libpq's may
  /// after each `PQconnectPoll`.
  public func watch(_ fd: Int32, _ interest: ReactorInterest) throws(ReactorError) {
    assert(loop.isOnThread)
    guard handler != nil else { throw .stopped }
    if fd != self.fd { loop.epoll.forget(self.fd) }
    self.fd = fd
    watching = []
    if interest.isEmpty {
      loop.epoll.forget(fd)
    } else {
      try loop.epoll.watch(fd, interest.rawValue, key: key)
      watching = interest
    }
  }

  /// Stops watching and lets the handler go. Events that the kernel has already reported are not delivered any more.
  public func cancel() {
    assert(loop.isOnThread)
    guard handler != nil else { return }
    handler = nil
    watching = []
    loop.epoll.forget(fd)
    loop.sources.remove(key)
  }

  /// The reactor's last word to the handler.
  func stop() {
    guard let handler else { return }
    cancel()
    handler.ready(.stopped)
  }
}

/// The watched descriptors by the key that the kernel hands back: slot in the low half, generation in the high one, so
/// that an event for a descriptor that has just been given up never reaches the one that took its slot.
struct SourceTable {
  private var slots: [(generation: UInt32, source: ReactorSource?)] = []
  private var free: [Int] = []

  /// Makes a source with a key of its own and keeps it.
  mutating func add(_ make: (UInt64) -> ReactorSource) -> ReactorSource {
    let slot: Int
    if let reused = free.popLast() {
      slot = reused
      slots[slot].generation &+= 1
    } else {
      slot = slots.count
      slots.append((1, nil))
    }
    let source = make(UInt64(slots[slot].generation) << 32 | UInt64(slot))
    slots[slot].source = source
    return source
  }

  mutating func remove(_ key: UInt64) {
    let slot = Int(key & 0xffff_ffff)
    guard slots.indices.contains(slot), slots[slot].generation == UInt32(key >> 32) else { return }
    slots[slot].source = nil
    free.append(slot)
  }

  subscript(key: UInt64) -> ReactorSource? {
    let slot = Int(key & 0xffff_ffff)
    guard slot < slots.count, slots[slot].generation == UInt32(key >> 32) else { return nil }
    return slots[slot].source
  }

  var all: [ReactorSource] { slots.compactMap(\.source) }
}
