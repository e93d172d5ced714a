import MainstayDevServers
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import MainstayRedis
import MainstayTesting
import Testing
@Suite(.serialized) struct Scratch {
  @Test func scratchPG() async throws {
    try await withDevServer(try await PostgresServer.start()) { server in
      weak var weakReactor: Reactor?
      func go() async throws {
        let reactor = try Reactor(name: "x")
        weakReactor = reactor
        let c = try await PostgresConnection.connect(try PostgresOptions(parsing: server.url), on: reactor)
        _ = try await c.execute("SELECT 1")
        c.close()
        reactor.shutdown()
      }
      try await go()
      for _ in 0..<1000 { await Task.yield() }
      print("PG connection leaks reactor:", weakReactor != nil)
      func go2() async throws {
        let reactor = try Reactor(name: "x")
        weakReactor = reactor
        let d = try PostgresDatabase(name: "x", options: try PostgresOptions(parsing: server.url), reactors: [reactor])
        try await d.warmUp(by: .now + .seconds(5))
        await d.drain(by: .now + .seconds(1))
        reactor.shutdown()
      }
      try await go2()
      for _ in 0..<1000 { await Task.yield() }
      print("database leaks reactor:", weakReactor != nil)
      func go4() async throws {
        let reactor = try Reactor(name: "x")
        weakReactor = reactor
        let d = try PostgresDatabase(name: "x", options: try PostgresOptions(parsing: server.url), reactors: [reactor])
        try await d.warmUp(by: .now + .seconds(5))
        _ = try await d.execute("SELECT 1")
        await d.drain(by: .now + .seconds(1))
        reactor.shutdown()
      }
      try await go4()
      for _ in 0..<1000 { await Task.yield() }
      print("database used leaks reactor:", weakReactor != nil)
    }
    try await withDevServer(try await RedisServer.start()) { server in
      weak var weakReactor: Reactor?
      func go() async throws {
        let reactor = try Reactor(name: "x")
        weakReactor = reactor
        let c = try RedisClient(try RedisOptions(url: server.url), reactor: reactor)
        try await c.connect()
        c.close()
        reactor.shutdown()
      }
      try await go()
      for _ in 0..<1000 { await Task.yield() }
      print("Redis leaks reactor:", weakReactor != nil)
    }
  }
}
