import Foundation
import Synchronization

/// PgBouncer in transaction mode before the server of the tests, with two server connections. It ends with the test process,
/// however that ends.
final class PgBouncer: Sendable {
  /// Where it is; nil if it is not on this machine.
  static let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  let folder: String
  private let lifeline: Mutex<FileHandle?>

  /// A connection string for the role `postgres`.
  var connectionString: String { "host=\(folder) port=6432 dbname=postgres user=postgres" }

  /// Starts it and returns when it has its socket.
  init(_ server: PostgresServer) throws {
    folder = NSTemporaryDirectory() + "/mainstay-pgbouncer-\(UUID().uuidString.prefix(8))"
    let input = Pipe()
    let output = Pipe()
    _ = fcntl(input.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", Self.script, "pgbouncer-of-tests", folder, server.folder, Self.program ?? "pgbouncer"]
    shell.standardInput = input
    shell.standardOutput = output
    try shell.run()
    lifeline = Mutex(input.fileHandleForWriting)
    try input.fileHandleForReading.close()
    guard let ready = try output.fileHandleForReading.read(upToCount: 5), ready == Data("ready".utf8) else {
      throw PostgresServer.NotStarted(folder: folder)
    }
  }

  /// Ends it and removes its folder.
  func stop() { lifeline.withLock { $0 = nil } }

  /// $1 is the folder, $2 that of the server's socket, $3 the program, which refuses to run as root.
  private static let script = """
    cd /
    exec 2>/dev/null
    mkdir -p "$1" && as=
    if [ "$(id -u)" = 0 ]; then chown postgres "$1"; as="runuser -u postgres --"; fi
    cat >"$1/pgbouncer.ini" <<EOF
    [databases]
    postgres = host=$2 port=5432 user=postgres
    [pgbouncer]
    listen_addr =
    unix_socket_dir = $1
    listen_port = 6432
    auth_type = any
    pool_mode = transaction
    default_pool_size = 2
    max_client_conn = 200
    logfile = $1/log
    EOF
    $as "$3" -q "$1/pgbouncer.ini" >/dev/null </dev/null &
    number=$!
    tries=0
    until [ -S "$1/.s.PGSQL.6432" ]; do
      tries=$((tries + 1))
      [ $tries -lt 600 ] && kill -0 $number || exit 1
      sleep 0.05
    done
    printf ready
    exec >/dev/null
    cat >/dev/null
    pkill -INT -P $number || kill -INT $number
    wait $number
    rm -rf "$1"
    """
}
