import CLibPQ
import Glibc
import MainstayDevServers
import MainstayReactor
import Testing

@testable import MainstayPostgres

/// What the system is told to do where the other side is silent.
@Suite(.timeLimit(.minutes(3))) struct KeepaliveTests {
  @Test(arguments: [
    ("", [30, 5, 3, 10_000]),
    ("keepalives_idle=7&keepalives_interval=2&keepalives_count=4&tcp_user_timeout=1500", [7, 2, 4, 1_500]),
  ])
  func theSocketIsToldSo(words: String, expected: [Int32]) async throws {
    var options = MainstayDevServers.PostgresServer.Options()
    options.port = .any
    try await withDevServer(try await MainstayDevServers.PostgresServer.start(options)) { server in
      let reactor = try Reactor()
      defer { reactor.shutdown() }
      let url = try #require(server.portURL)
      let options = try PostgresOptions(parsing: "\(url)?\(words)")
      let connection = try await PostgresConnection.connect(options, settings: .patient, on: reactor)
      let socket = connection.session.locked { PQsocket(connection.session.connection) }
      #expect(value(of: SO_KEEPALIVE, at: SOL_SOCKET, socket) == 1)
      let tcp = Int32(IPPROTO_TCP)
      let found = [TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT].map { value(of: $0, at: tcp, socket) }
      #expect(found == expected)
      connection.close()
    }
  }

  private func value(of option: Int32, at level: Int32, _ socket: Int32) -> Int32 {
    var value: Int32 = -1
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(socket, level, option, &value, &size)
    return value
  }
}
