import MainstayKernel
import MainstayRedis
import Testing

@Suite("Typed commands, on a real server", .serialized, .timeLimit(.minutes(3)))
struct CommandTests {
  @Test func strings() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      #expect(try await redis.send(.set("name", "Ada")))
      #expect(try await redis.send(.get("name")) == "Ada")
      #expect(try await redis.send(.get("missing")) == nil)
      #expect(try await redis.send(.set("name", "Grace", .ifAbsent)) == false)
      #expect(try await redis.send(.set("name", "Grace", expires: .after(.seconds(100)), .ifPresent)))
      guard case .remaining(let left) = try await redis.send(.ttl("name")) else {
        Issue.record("no expiry")
        return
      }
      #expect(left > .seconds(50) && left <= .seconds(100))
      #expect(try await redis.send(.setReturningOld("name", "Joan", expires: .keep)) == "Grace")
      #expect(try await redis.send(.ttl("missing")) == .absent)
      #expect(try await redis.send(.getex("name", expires: .keep)) == "Joan")
      #expect(try await redis.send(.ttl("name")) == .unlimited)
      #expect(try await redis.send(.mset([("a", 1), ("b", 2.5)])) == RedisOK(reply: .simple("OK")))
      #expect(try await redis.send(.mget(["a", "none", "b"])) == ["1", nil, "2.5"])
      #expect(try await redis.send(.incr("a", by: 41)) == 42)
      #expect(try await redis.send(.decr("a")) == 41)
      #expect(try await redis.send(.incr("b", byFloat: 0.5)) == 3)
      #expect(try await redis.send(.append("name", " Clarke")) == 11)
      #expect(try await redis.send(.strlen("name")) == 11)
      #expect(try await redis.send(.setrange("name", at: 0, "John")) == 11)
      #expect(try await redis.send(.getrange("name", 0, 3)) == Array("John".utf8))
      #expect(try await redis.send(.getdel("a", as: Int.self)) == 41)
      let bytes: [UInt8] = [0, 13, 10, 255, 36]
      #expect(try await redis.send(.set("bytes", bytes)))
      #expect(try await redis.send(.get("bytes", as: [UInt8].self)) == bytes)
      await #expect { try await redis.send(.get("bytes")) } throws: { ($0 as? RedisError)?.code == .decoding }
      #expect(try await redis.send(.set("", "")))
      #expect(try await redis.send(.get("")) == "")
    }
  }

  @Test func keys() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      for index in 0..<500 { _ = try await redis.send(.set("key:\(index)", index)) }
      _ = try await redis.send(.rpush("list", "x"))
      var found: Set<String> = []
      for try await key in redis.keys(matching: "key:*", count: 50) { found.insert(key) }
      #expect(found.count == 500)
      #expect(try await redis.send(.exists("key:1", "key:2", "none")) == 2)
      #expect(try await redis.send(.expire("key:1", .after(.seconds(50)))))
      #expect(try await redis.send(.persist("key:1")))
      #expect(try await redis.send(.expire("none", .after(.seconds(50)))) == false)
      #expect(try await redis.send(.type("list")) == "list")
      _ = try await redis.send(.rename("key:3", to: "other"))
      #expect(try await redis.send(.get("other")) == "3")
      #expect(try await redis.send(.del("key:1", "none")) == 1)
      #expect(try await redis.send(.unlink(["key:2"])) == 1)
      #expect(try await redis.send(.dbsize()) == 499)
    }
  }

  @Test func hashes() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      let fields: [String: any RedisArgument] = ["name": "Ada", "age": 36]
      #expect(try await redis.send(.hset("user", fields)) == 2)
      #expect(try await redis.send(.hset("user", "town", "London")) == 1)
      #expect(try await redis.send(.hsetnx("user", "town", "Paris")) == false)
      #expect(try await redis.send(.hget("user", "age", as: Int.self)) == 36)
      #expect(try await redis.send(.hmget("user", ["name", "none"])) == ["Ada", nil])
      #expect(try await redis.send(.hgetall("user")) == ["name": "Ada", "age": "36", "town": "London"])
      #expect(try await redis.send(.hgetall("none")) == [:])
      #expect(try await redis.send(.hincr("user", "age", by: 2)) == 38)
      #expect(try await redis.send(.hincr("user", "height", byFloat: 1.5)) == 1.5)
      #expect(try await redis.send(.hexists("user", "name")))
      #expect(Set(try await redis.send(.hkeys("user"))) == ["name", "age", "town", "height"])
      #expect(try await redis.send(.hvals("user")).count == 4)
      #expect(try await redis.send(.hdel("user", ["name", "none"])) == 1)
      #expect(try await redis.send(.hlen("user")) == 3)
    }
  }

  @Test func lists() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      #expect(try await redis.send(.rpush("list", 1, 2, 3, 4)) == 4)
      #expect(try await redis.send(.lpush("list", 0)) == 5)
      #expect(try await redis.send(.lrange("list", as: Int.self)) == [0, 1, 2, 3, 4])
      #expect(try await redis.send(.lpop("list", as: Int.self)) == 0)
      #expect(try await redis.send(.rpop("list")) == "4")
      #expect(try await redis.send(.lpop("none", count: 2)) == nil)
      #expect(try await redis.send(.lindex("list", -1)) == "3")
      _ = try await redis.send(.lset("list", 0, "one"))
      #expect(try await redis.send(.lmove("list", .left, to: "other", .right)) == "one")
      #expect(try await redis.send(.lrem("list", 2)) == 1)
      _ = try await redis.send(.ltrim("list", 0, 0))
      #expect(try await redis.send(.llen("list")) == 1)
    }
  }

  @Test func sets() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      #expect(try await redis.send(.sadd("a", "x", "y", "z")) == 3)
      #expect(try await redis.send(.sadd("b", "y")) == 1)
      #expect(try await redis.send(.smembers("a")) == ["x", "y", "z"])
      #expect(try await redis.send(.sismember("a", "x")))
      #expect(try await redis.send(.sinter(["a", "b"])) == ["y"])
      #expect(try await redis.send(.sunion(["a", "b"])) == ["x", "y", "z"])
      #expect(try await redis.send(.sdiff(["a", "b"])) == ["x", "z"])
      #expect(try await redis.send(.srem("a", "x", "none")) == 1)
      #expect(try await redis.send(.scard("a")) == 2)
      var members: Set<String> = []
      for try await member in redis.members(of: "a") { members.insert(member) }
      #expect(members == ["y", "z"])
      #expect(try await redis.send(.spop("b")) == "y")
    }
  }

  @Test func sortedSets() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      let members: [(score: Double, member: any RedisArgument)] = [(1, "one"), (2, "two"), (3, "three")]
      #expect(try await redis.send(.zadd("z", members)) == 3)
      #expect(try await redis.send(.zadd("z", 4, "four")) == 1)
      #expect(try await redis.send(.zrange("z")) == ["one", "two", "three", "four"])
      #expect(try await redis.send(.zrange("z", 0, 0, reversed: true)) == ["four"])
      #expect(try await redis.send(.zrange("z", scores: 2 ... .infinity, limit: 2)) == ["two", "three"])
      #expect(try await redis.send(.zrangeWithScores("z", 0, 0)).members == [RedisScored(member: "one", score: 1)])
      #expect(try await redis.send(.zincr("z", "one", by: 0.5)) == 1.5)
      #expect(try await redis.send(.zscore("z", "none")) == nil)
      #expect(try await redis.send(.zrank("z", "two")) == 1)
      #expect(try await redis.send(.zcount("z", 2...3)) == 2)
      #expect(try await redis.send(.zpopmin("z")).members.first?.member == "one")
      #expect(try await redis.send(.zrem("z", "two")) == 1)
      #expect(try await redis.send(.zrem("z", scores: 4...4)) == 1)
      #expect(try await redis.send(.zcard("z")) == 1)
    }
  }

  @Test func streams() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      _ = try await redis.send(.xgroupCreate("s", "workers", from: "0"))
      await #expect { try await redis.send(.xgroupCreate("s", "workers")) } throws: {
        ($0 as? RedisError)?.serverCode == "BUSYGROUP"
      }
      let first = try await redis.send(.xadd("s", [("kind", "a"), ("n", 1)]))
      let second = try await redis.send(.xadd("s", [("kind", "b")], maxLength: 1000))
      #expect(try await redis.send(.xlen("s")) == 2)
      #expect(try await redis.send(.xrange("s", count: 1)).first?["kind"] == "a")
      #expect(try await redis.send(.xread([("s", first)]))["s"].map(\.id) == [second])
      #expect(try await redis.send(.xread([("s", second)], block: .milliseconds(1))).entries.isEmpty)
      let got = try await redis.send(.xreadgroup("workers", "me", [("s", ">")], block: .milliseconds(1)))
      #expect(got["s"].count == 2)
      #expect(try await redis.send(.xpendingCount("s", "workers")).count == 2)
      #expect(try await redis.send(.xack("s", "workers", [first])) == 1)
      let claimed = try await redis.send(.xautoclaim("s", "workers", "you", idle: .zero))
      #expect(claimed.entries.map(\.id) == [second])
      #expect(try await redis.send(.xdel("s", [first])) == 1)
      #expect(try await redis.send(.xtrim("s", maxLength: 0)) == 1)
    }
  }

  @Test func scriptsAreLoadedWhenTheServerDoesNotKnowThem() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      let script = RedisScript("redis.call('set', KEYS[1], ARGV[1]) return redis.call('get', KEYS[1])")
      #expect(try await redis.run(script, keys: ["k"], "v", as: String.self) == "v")
      _ = try await redis.send(RedisCommand<RedisOK>("SCRIPT", "FLUSH"))
      #expect(try await redis.run(script, keys: ["k"], "w", as: String.self) == "w")
    }
  }

  @Test func pipelinesAndTransactions() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      let (set, number, missing) = try await redis.pipeline(.set("a", 1), .incr("a"), .get("none"))
      #expect(set && number == 2 && missing == nil)
      let results = try await redis.pipeline((0..<1000).map { RedisCommand.incr("n", by: $0) })
      #expect(try results.last?.get() == 499_500)
      let mixed = try await redis.pipeline([RedisCommand.incr("n"), RedisCommand.incr("text"), .incr("n")])
      #expect(mixed.count == 3)
      let (first, second) = try await redis.transaction(.incr("t"), .incr("t"))
      #expect(first == 1 && second == 2)
      _ = try await redis.send(.set("text", "x"))
      await #expect { _ = try await redis.transaction(.incr("text"), .incr("u")) } throws: {
        ($0 as? RedisError)?.message.contains("not an integer") == true
      }
      #expect(try await redis.send(.get("u")) == "1")
      await #expect { _ = try await redis.transaction(.incr("u"), RedisCommand<Int>("NOSUCH")) } throws: {
        ($0 as? RedisError)?.serverCode == "ERR"
      }
      #expect(try await redis.send(.get("u")) == "1")
    }
  }

  @Test func aWatchedTransactionIsTriedAgainWhenTheKeyChanges() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      _ = try await redis.send(.set("seats", 3))
      await withTaskGroup(of: Bool.self) { group in
        for _ in 0..<8 {
          group.addTask {
            let left = try? await redis.transaction(watching: ["seats"], attempts: 100) { session in
              let seats = try await session.send(.get("seats", as: Int.self)) ?? 0
              return seats > 0 ? RedisTransaction(.decr("seats")) : nil
            }
            return (left ?? nil) != nil
          }
        }
        var sold = 0
        for await isSold in group where isSold { sold += 1 }
        #expect(sold == 3)
      }
      #expect(try await redis.send(.get("seats", as: Int.self)) == 0)
    }
  }

  @Test func aSessionLeavesNoStateBehind() async throws {
    try await withRedis(adjust: { $0.maxDedicatedConnections = 1 }) {
      (redis: RedisClient, _: RedisServer) async throws in
      let (first, database) = try await redis.withSession { session in
        _ = try await session.send(RedisCommand<RedisOK>("SELECT", 3))
        _ = try await session.send(.set("here", 1))
        _ = try await session.send(RedisCommand<RedisOK>("MULTI"))
        return (try await session.send(RedisCommand<String>("PING")), 3)
      }
      #expect(first == "QUEUED" && database == 3)
      let here = try await redis.withSession { try await $0.send(.get("here")) }
      #expect(here == nil)
      #expect(redis.statistics.dedicatedConnections == 1)
    }
  }

  /// On a connection that others use, such a command would change what theirs do, hold them up, or have them get replies
  /// that are not theirs.
  @Test func rawCommandsThatAreNotForASharedConnectionAreRefused() async throws {
    func expectRefusal(_ words: String, _ run: () async throws -> RESPValue) async {
      await #expect {
        _ = try await run()
      } throws: { error in
        let error = error as? RedisError
        return error?.code == .configuration && error?.message.contains(words) == true
      }
    }
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      let session: [RedisCommand<RESPValue>] = [
        RedisCommand("SELECT", 1), RedisCommand("select", 1), RedisCommand("MULTI"), RedisCommand("WATCH", "a"),
        RedisCommand("AUTH", "secret"), RedisCommand("RESET"), RedisCommand("BLPOP", "a", 0),
        RedisCommand("WAIT", 1, 0),
        RedisCommand("XREAD", "BLOCK", 0, "STREAMS", "a", "$"), RedisCommand("CLIENT", "SETNAME", "other"),
      ]
      let refused: [RedisCommand<RESPValue>] = [
        RedisCommand("SUBSCRIBE", "a"), RedisCommand("PSUBSCRIBE", "*"), RedisCommand("MONITOR"),
        RedisCommand("CLIENT", "REPLY", "OFF"), RedisCommand("HELLO", 3), RedisCommand("PSYNC", "?", -1),
        RedisCommand("QUIT"),
      ]
      for command in session {
        await expectRefusal("withSession") { try await redis.send(command) }
        await expectRefusal("withSession") { try await redis.send(command.returning(RESPValue.self)) }
        await expectRefusal("withSession") { try await redis.pipeline(command) }
        await expectRefusal("withSession") { try await redis.transaction(command) }
        await expectRefusal("withSession") {
          try await redis.transaction(watching: ["a"]) { session -> RedisTransaction<RESPValue>? in
            _ = try await session.send(command)
            return nil
          } ?? .null
        }
      }
      for command in refused {
        await expectRefusal("other callers") { try await redis.send(command) }
        await expectRefusal("other callers") { try await redis.withSession { try await $0.send(command) } }
        await expectRefusal("other callers") { try await redis.withSession { try await $0.pipeline(command) } }
      }
      #expect(try await redis.send(RedisCommand<String>("CLIENT", "INFO")).contains("db=0"))
      #expect(try await redis.withSession { try await $0.send(RedisCommand<RESPValue>("BLPOP", "a", 0.01)) } == .null)
      #expect(try await redis.send(RedisCommand<RESPValue>("XREAD", "COUNT", 1, "STREAMS", "a", "0")) == .null)
    }
  }

  @Test func rawCommandsAndErrors() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      #expect(try await redis.send(RedisCommand<String>("ECHO", "hello", isReadOnly: true)) == "hello")
      #expect(try await redis.send(.info("server"))["redis_version"] != nil)
      _ = try await redis.send(.set("secret-key", "secret-value"))
      await #expect { try await redis.send(.llen("secret-key")) } throws: { error in
        let error = error as? RedisError
        return error?.serverCode == "WRONGTYPE" && error?.command == "LLEN" && "\(error!)".contains("another type")
      }
      await #expect { try await redis.send(RedisCommand<Int>("NOSUCH", "secret-value")) } throws: { error in
        let shown = "\(error) \(String(reflecting: error))"
        return !shown.contains("secret-value")
          && (error as? RedisError)?.serverText?.reveal().contains("secret") == true
      }
    }
  }
}
