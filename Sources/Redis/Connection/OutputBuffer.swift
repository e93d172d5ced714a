import Glibc

/// Bytes on their way to the socket. Two of them take turns: one is filled while the other is sent. Owns its memory, and
/// gives it back when one giant command has made it large.
struct OutputBuffer: ~Copyable, @unchecked Sendable {
  // because nothing else has a pointer to the memory that it owns.
  private static let ordinary = 16 << 10
  private static let kept = 1 << 20

  private var storage: UnsafeMutableRawPointer
  private var capacity: Int
  private var start = 0
  private var end = 0

  init() {
    capacity = Self.ordinary
    storage = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { storage.deallocate() }

  var count: Int { end - start }
  var isEmpty: Bool { start == end }
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage + start, count: count) }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    if end + bytes.count > capacity { makeRoom(for: bytes.count) }
    memcpy(storage + end, source, bytes.count)
    end += bytes.count
  }

  /// Appends a command: how many arguments, then the arguments, which are in the protocol's form already.
  mutating func append(_ arguments: RedisArguments) {
    let head = ProtocolNumber(prefix: UInt8(ascii: "*"), arguments.count)
    let body = arguments.bytes.count
    if end + ProtocolNumber.size + body > capacity { makeRoom(for: ProtocolNumber.size + body) }
    storage.storeBytes(of: head.bytes, toByteOffset: end, as: UInt128.self)
    end += head.count
    arguments.bytes.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { memcpy(storage + end, start, body) }
    }
    end += body
  }

  /// Forgets bytes at the front, which have been sent.
  mutating func consume(_ count: Int) {
    start += min(count, self.count)
    if isEmpty { removeAll() }
  }

  mutating func removeAll() {
    start = 0
    end = 0
    guard capacity > Self.kept else { return }
    storage.deallocate()
    capacity = Self.ordinary
    storage = .allocate(byteCount: capacity, alignment: 16)
  }

  private mutating func makeRoom(for more: Int) {
    var larger = capacity
    while larger < count + more { larger *= 2 }
    let storage = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    memcpy(storage, self.storage + start, count)
    self.storage.deallocate()
    self.storage = storage
    capacity = larger
    end = count
    start = 0
  }
}
