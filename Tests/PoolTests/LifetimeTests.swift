import MainstayDevServers
import MainstayPostgres
import MainstayReactor
import MainstayRedis
import MainstayTesting
import Testing

/// What has been closed keeps nothing alive: neither connections, pools and clients each other, nor any of them its reactor.
@Suite(.serialized, .timeLimit(.minutes(2))) struct LifetimeTests {
  /// Runs `body` with a reactor, ends the reactor, and waits until nobody holds it any more.
  private func expectLetGo(_ body: (Reactor) async throws -> Void) async throws {
    let remains = Remains()
    try await Self.run(remains, body)
    try await eventually { remains.reactor == nil }
  }

  private final class Remains {
    weak var reactor: Reactor?
  }

  /// A function of its own, so that nothing of it outlives its return.
  private static func run(_ remains: Remains, _ body: (Reactor) async throws -> Void) async throws {
    let reactor = try Reactor(name: "lifetime")
    remains.reactor = reactor
    defer { reactor.shutdown() }
    try await body(reactor)
  }

  @Test func postgres() async throws {
    try await withDevServer(try await PostgresServer.start()) { server in
      let options = try PostgresOptions(parsing: server.url)
      try await expectLetGo { reactor in
        let connection = try await PostgresConnection.connect(options, on: reactor)
        _ = try await connection.execute("SELECT 1")
        connection.close()
      }
      try await expectLetGo { reactor in
        let database = try PostgresDatabase(name: "brief", options: options, reactors: [reactor])
        try await database.warmUp(by: .now.advanced(by: .seconds(20)))
        _ = try await database.execute("SELECT 1")
        _ = try await database.read("SELECT 1")
        await database.drain(by: .now.advanced(by: .seconds(5)))
      }
      try await expectLetGo { reactor in
        let database = try PostgresDatabase(name: "listening", options: options, reactors: [reactor])
        let reading = Task { for await _ in database.listen(to: "nothing") {} }
        try await database.execute("SELECT 1")
        reading.cancel()
        await reading.value
        await database.drain(by: .now.advanced(by: .seconds(5)))
      }
    }
  }

  @Test func redis() async throws {
    try await withDevServer(try await RedisServer.start()) { server in
      let options = try RedisOptions(url: server.url)
      try await expectLetGo { reactor in
        let client = try RedisClient(options, reactor: reactor)
        _ = try await client.send(.ping())
        let subscription = try await client.subscribe(to: "nothing")
        try await client.withSession { _ = try await $0.send(.ping()) }
        subscription.cancel()
        client.close()
      }
    }
  }
}
