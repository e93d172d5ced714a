import Glibc

/// A descriptor that is closed when nobody holds it any more. No child gets it unless it is handed over by `Spawn`.
final class OpenFile: Sendable {
  let number: Int32

  /// Takes a descriptor over. Its number is moved out of the way of those that children expect.
  init(taking descriptor: Int32) throws(DevServerError) {
    number = fcntl(descriptor, F_DUPFD_CLOEXEC, 16)
    let reason = errno
    close(descriptor)
    guard number >= 0 else { throw .system(.spawn, "cannot keep a descriptor", reason) }
  }

  /// Opens a file; `mode` counts if it is created.
  convenience init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(DevServerError) {
    let descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else { throw .system(.folder, "cannot open \(path)", errno) }
    try self.init(taking: descriptor)
  }

  deinit { close(number) }

  /// Both ends of a channel. A pair of sockets, since a pipe cannot be made without a moment in which another thread's
  /// child may inherit it, and an end in foreign hands never closes.
  static func channel() throws(DevServerError) -> (host: OpenFile, keeper: OpenFile) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw .system(.spawn, "cannot create a pair of sockets", errno)
    }
    let host: OpenFile
    do throws(DevServerError) { host = try OpenFile(taking: ends[0]) } catch {
      close(ends[1])
      throw error
    }
    return (host, try OpenFile(taking: ends[1]))
  }

  /// Locks the file for as long as somebody holds it; false if another process does already.
  func lock() -> Bool { flock(number, LOCK_EX | LOCK_NB) == 0 }

  /// Writes the whole text.
  func write(_ text: String) throws(DevServerError) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
      guard count > 0 || (count < 0 && errno == EINTR) else { throw .system(.folder, "cannot write a file", errno) }
      bytes = bytes.dropFirst(max(0, count))
    }
  }
}

/// The last part of a file, as text; empty if it cannot be read.
func tail(of path: String, bytes limit: Int = 65_536) -> String {
  guard let file = fopen(path, "re") else { return "" }
  defer { fclose(file) }
  fseek(file, 0, SEEK_END)
  fseek(file, max(0, ftell(file) - limit), SEEK_SET)
  var bytes = [UInt8](repeating: 0, count: limit)
  return String(decoding: bytes[..<fread(&bytes, 1, limit, file)], as: UTF8.self)
}
