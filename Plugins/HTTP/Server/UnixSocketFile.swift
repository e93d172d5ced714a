import Glibc

/// The file of a Unix socket: taken over from a server that is gone, never from one that lives, and removed at the end.
struct UnixSocketFile: Sendable {
  private let path: String

  /// Makes way for a new socket. Throws if somebody listens on it, or if the file is something else.
  init(taking path: String) throws(HTTPStartError) {
    self.path = path
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw HTTPStartError(
        description: "cannot listen on \(path): the file exists and is not a socket. Move it away, or change "
          + "plugins.http.unix_socket.")
    }
    guard !Self.isAnswering(path) else {
      throw HTTPStartError(
        description: "cannot listen on \(path): another program listens there. Stop it, or change "
          + "plugins.http.unix_socket.", isInUse: true)
    }
    unlink(path)
  }

  func remove() { unlink(path) }

  private static func isAnswering(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard path.utf8.count < capacity else { return false }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }
}
