import CZlib

/// Compresses bytes as gzip (RFC 1952), piece by piece.
struct GzipWriter: ~Copyable {
  private let stream: UnsafeMutablePointer<z_stream>
  private var room = [UInt8](repeating: 0, count: 32 << 10)

  /// - Parameter level: 1, the fastest, to 9, the smallest.
  /// - Returns: nil if there is no memory for it.
  init?(level: Int32) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard mainstay_deflate_init_gzip(stream, level) == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// Compresses bytes; what comes out is handed to `sink`.
  mutating func write(_ bytes: UnsafeRawBufferPointer, to sink: (UnsafeRawBufferPointer) -> Void) {
    // zlib reads from the pointer and does not write through it.
    stream.pointee.next_in = UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = UInt32(clamping: bytes.count)
    drain(Z_NO_FLUSH, to: sink)
  }

  /// Writes what is left, and the end.
  mutating func finish(to sink: (UnsafeRawBufferPointer) -> Void) { drain(Z_FINISH, to: sink) }

  private mutating func drain(_ flush: Int32, to sink: (UnsafeRawBufferPointer) -> Void) {
    while true {
      let (status, isFull) = room.withUnsafeMutableBytes { room in
        stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room.count)
        let status = deflate(stream, flush)
        let count = room.count - Int(stream.pointee.avail_out)
        if count > 0 { sink(UnsafeRawBufferPointer(rebasing: room[..<count])) }
        return (status, stream.pointee.avail_out == 0)
      }
      if status == Z_STREAM_END || status < 0 || (flush == Z_NO_FLUSH && !isFull) { return }
    }
  }
}
