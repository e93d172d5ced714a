import CLibPQ
import Glibc

/// How much an answer has brought while it is not complete. libpq gathers all of it and does not tell, so it is counted at
/// the socket, from when it has not come within a few readings: most come in one, and cost nothing here.
struct AnswerGrowth {
  /// Readings that are not counted.
  private static let few = 4

  private var readings = 0
  private(set) var bytes = 0
  /// What the system had received when counting began; nil for a unix socket, of which it does not tell.
  private var start: UInt64?

  /// Whether it is large enough to be looked at.
  var isMeasured: Bool { readings > Self.few }

  /// The next answer begins.
  mutating func reset() { readings = 0 }

  /// Has libpq read the socket. False if the connection is lost.
  @inline(__always)
  mutating func read(_ connection: OpaquePointer?) -> Bool {
    readings &+= 1
    return isMeasured ? readMeasured(connection) : PQconsumeInput(connection) == 1
  }

  private mutating func readMeasured(_ connection: OpaquePointer?) -> Bool {
    let socket = PQsocket(connection)
    if readings == Self.few + 1 {
      bytes = 0
      start = SocketInput.received(socket)
    }
    let before = SocketInput.unread(socket)
    let isAlive = PQconsumeInput(connection) == 1
    if let start, let now = SocketInput.received(socket) {
      bytes = Int(clamping: now &- start)
    } else {
      // More may have come while libpq read, so this is the least that it can have read: what there was, at most all that
      // its buffer always has room for, or as much as there is less now.
      bytes += max(min(before, Self.room), before - SocketInput.unread(socket))
    }
    return isAlive
  }

  /// The room that libpq makes in its buffer before it reads.
  private static let room = 8_192
}

/// What the system says of the input of a socket.
enum SocketInput {
  /// Bytes that wait to be read.
  static func unread(_ socket: Int32) -> Int {
    var count: Int32 = 0
    return ioctl(socket, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
  }

  /// Bytes that have been received since the connection was made, if it is one of TCP.
  static func received(_ socket: Int32) -> UInt64? {
    withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { info in
      var size = socklen_t(info.count)
      guard getsockopt(socket, Int32(IPPROTO_TCP), TCP_INFO, info.baseAddress, &size) == 0 else { return nil }
      return size >= received + 8 ? info.load(fromByteOffset: received, as: UInt64.self) : nil
    }
  }

  /// Where `tcpi_bytes_received` stands in the kernel's `tcp_info`, which glibc's header does not know to its end.
  private static let received = 128
}
