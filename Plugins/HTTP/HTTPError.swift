import Glibc
import NIOCore

/// The server cannot start.
struct HTTPStartError: Error, CustomStringConvertible {
  /// What is wrong, and what to do.
  let description: String
  /// Whether somebody else listens there.
  var isInUse = false
}

extension HTTPStartError {
  /// What the kernel's refusal to bind means.
  init(binding address: String, _ error: any Error) {
    let code = (error as? IOError)?.errnoCode
    isInUse = code == EADDRINUSE
    switch code {
    case EADDRINUSE:
      description =
        "cannot listen on \(address): another program, or another host of this kind, listens there already. "
        + "Stop it, or choose another address with plugins.http.port or plugins.http.unix_socket "
        + "(for one run: --set http.port=8081). 'ss -ltnp' shows who listens where."
    case EACCES, EPERM:
      description =
        "cannot listen on \(address): not permitted. Ports below 1024 belong to root; choose a higher one with "
        + "plugins.http.port, or grant CAP_NET_BIND_SERVICE. For a Unix socket, its folder must be writable."
    case EADDRNOTAVAIL:
      description =
        "cannot listen on \(address): this machine has no such address. Use 127.0.0.1 for this machine alone, "
        + "0.0.0.0 or :: for all its networks (plugins.http.host)."
    case ENOENT:
      description =
        "cannot listen on \(address): the folder does not exist. Create it, or change plugins.http.unix_socket."
    default:
      description = "cannot listen on \(address): \(error). Check plugins.http.host, port and unix_socket."
    }
  }
}
