import Foundation
import Synchronization

/// A PostgreSQL server of the tests' own, on a unix socket in a temporary folder, without fsync. It ends with the test
/// process, however that ends: a shell waits for the end of its input, which the process holds open.
final class PostgresServer: Sendable {
  /// The folder of the unix socket, the data and the log.
  let folder: String
  /// The port that is part of the socket's name.
  let port = 5432
  private let lifeline: Mutex<FileHandle?>

  /// The server that tests share; started at its first use.
  static let shared = Result { try PostgresServer() }

  /// A connection string for the role `postgres`.
  var connectionString: String { "host=\(folder) port=\(port) dbname=postgres user=postgres" }

  /// The process id of the postmaster.
  var processID: Int32? {
    let lines = try? String(contentsOfFile: "\(folder)/data/postmaster.pid", encoding: .utf8).split(separator: "\n")
    return lines?.first.flatMap { Int32($0) }
  }

  /// Starts a server with these lines in its configuration and returns when it accepts connections.
  init(configuration: [String] = []) throws {
    folder = NSTemporaryDirectory() + "/mainstay-postgres-\(UUID().uuidString.prefix(8))"
    let input = Pipe()
    let output = Pipe()
    _ = fcntl(input.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", PostgresServer.script, "postgres-of-tests", folder, configuration.joined(separator: "\n")]
    shell.standardInput = input
    shell.standardOutput = output
    try shell.run()
    lifeline = Mutex(input.fileHandleForWriting)
    try input.fileHandleForReading.close()
    guard let ready = try output.fileHandleForReading.read(upToCount: 5), ready == Data("ready".utf8) else {
      throw NotStarted(folder: folder)
    }
  }

  /// Ends the server at once, as a crash would, and removes its folder.
  func stop() { lifeline.withLock { $0 = nil } }

  /// The server did not come up; its log is in the folder.
  struct NotStarted: Error {
    let folder: String
  }

  /// $1 is the folder, $2 more configuration. The server refuses to run as root.
  private static let script = """
    cd /
    exec 2>/dev/null
    bin=$(ls -d /usr/lib/postgresql/*/bin /usr/bin 2>/dev/null | while read -r d; do
      [ -x "$d/initdb" ] && echo "$d" && break; done)
    mkdir -p "$1" && as=
    if [ "$(id -u)" = 0 ]; then chown postgres "$1"; as="runuser -u postgres --"; fi
    $as "$bin/initdb" -D "$1/data" -N -A trust -U postgres --locale=C.UTF-8 -E UTF8 >"$1/initdb.log" 2>&1 || exit 1
    printf '%s\\n' "listen_addresses = ''" "unix_socket_directories = '$1'" "fsync = off" "max_connections = 200" \\
      "full_page_writes = off" "shared_buffers = 32MB" "$2" >>"$1/data/postgresql.conf"
    $as "$bin/pg_ctl" -D "$1/data" -l "$1/log" -w -t 60 start >/dev/null </dev/null || exit 1
    printf ready
    exec >/dev/null
    cat >/dev/null
    $as "$bin/pg_ctl" -D "$1/data" -m immediate stop </dev/null
    rm -rf "$1"
    """
}
