import Glibc
import MainstayReactor
import MainstayRedis
import MainstayTesting
import Synchronization
import Testing

@Suite("Connections and their faults", .serialized, .timeLimit(.minutes(3)))
struct ConnectionTests {
  private let clock = ContinuousClock()

  @Test func noReplyReachesAnotherCallerHoweverManyAreCancelled() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      for index in 0..<1000 { _ = try await redis.send(.set("k\(index)", index)) }
      let wrong = Tally()
      let answered = Tally()
      for round in 0..<5 {
        await withTaskGroup(of: Void.self) { group in
          for caller in 0..<1000 {
            let isOnReactor = (caller + round) % 2 == 0
            let work: @Sendable () async -> Void = {
              let task = Task {
                var random = SeededGenerator(seed: UInt64(round * 1000 + caller))
                for _ in 0..<20 {
                  let key = Int.random(in: 0..<1000, using: &random)
                  guard let value = try await redis.send(.get("k\(key)", as: Int.self)) else { continue }
                  answered.add()
                  if value != key { wrong.add() }
                }
              }
              for _ in 0..<(caller % 7) { await Task.yield() }
              if caller % 3 == 0 { task.cancel() }
              _ = await task.result
            }
            if isOnReactor {
              group.addTask(executorPreference: redis.reactor, operation: work)
            } else {
              group.addTask(operation: work)
            }
          }
        }
      }
      #expect(wrong.count == 0)
      #expect(answered.count > 10_000)
      #expect(try await redis.send(.get("k7", as: Int.self)) == 7)
    }
  }

  @Test func aKilledServerFailsWhatWaitsAndIsUsedAgainWhenItIsBack() async throws {
    try await withRedis { (redis: RedisClient, server: RedisServer) async throws in
      _ = try await redis.send(.ping())
      server.signal(SIGSTOP)
      let waiting = Task { try await redis.send(.incr("n")) }
      #expect(await eventually { redis.statistics.commandsInFlight == 1 && redis.statistics.queuedBytes == 0 })
      server.stop()
      await #expect { try await waiting.value } throws: { error in
        let error = error as? RedisError
        return error?.code == .connectionLost && error?.isIndeterminate == true && error?.command == "INCRBY"
      }
      #expect(
        await eventually {
          do {
            _ = try await redis.send(.ping())
            return false
          } catch {
            return (error as? RedisError)?.code == .notConnected && (error as? RedisError)?.isIndeterminate == false
          }
        })
      try server.start()
      #expect(await eventually { (try? await redis.send(.ping())) == "PONG" })
    }
  }

  @Test func aFrozenServerCostsNoMoreThanTheDeadline() async throws {
    try await withRedis { (redis: RedisClient, server: RedisServer) async throws in
      _ = try await redis.send(.ping())
      server.signal(SIGSTOP)
      let begun = clock.now
      await #expect {
        try await redis.send(.get("x"), deadline: begun.advanced(by: .seconds(2)))
      } throws: { ($0 as? RedisError)?.code == .timedOut && ($0 as? RedisError)?.isIndeterminate == true }
      let taken = clock.now - begun
      #expect(taken >= .milliseconds(1990) && taken < .seconds(6))
      server.signal(SIGCONT)
      // The late reply of the GET is thrown away.
      #expect(try await redis.send(.echo("after")) == "after")
    }
  }

  @Test func aServerSilentForTooLongLosesItsConnection() async throws {
    try await withRedis(adjust: { $0.stallTimeout = .milliseconds(200) }) {
      (redis: RedisClient, server: RedisServer) async throws in
      _ = try await redis.send(.ping())
      server.signal(SIGSTOP)
      await #expect { try await redis.send(.incr("x")) } throws: {
        let error = $0 as? RedisError
        return error?.code == .connectionLost && error?.isIndeterminate == true
      }
      server.signal(SIGCONT)
      #expect(await eventually { (try? await redis.send(.ping())) == "PONG" })
    }
  }

  @Test func aCancelledCallerLeavesThoughTheServerIsFrozen() async throws {
    try await withRedis { (redis: RedisClient, server: RedisServer) async throws in
      _ = try await redis.send(.ping())
      server.signal(SIGSTOP)
      let tasks = (0..<100).map { _ in Task { try await redis.send(.get("x")) } }
      #expect(await eventually { redis.statistics.commandsInFlight == 100 })
      for task in tasks { task.cancel() }
      for task in tasks { await #expect(throws: CancellationError.self) { try await task.value } }
      server.signal(SIGCONT)
      #expect(try await redis.send(.echo("after")) == "after")
    }
  }

  @Test func aKilledClientConnectionIsSeenWhileIdle() async throws {
    let events = Mutex<[String]>([])
    let server = try RedisServer()
    let reactor = try Reactor()
    let redis = try RedisClient(server.options, reactor: reactor) { event in
      switch event {
      case .connected: events.withLock { $0.append("connected") }
      case .lost: events.withLock { $0.append("lost") }
      case .attemptFailed: events.withLock { $0.append("failed") }
      }
    }
    _ = try await redis.send(.ping())
    let other = try RedisClient(server.options, reactor: reactor)
    _ = try await other.withSession { session in
      try await session.send(RedisCommand<Int>("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
    }
    #expect(await eventually { events.withLock { $0.contains("lost") } })
    #expect(await eventually { (try? await redis.send(.ping())) == "PONG" })
    redis.close()
    other.close()
    reactor.shutdown()
  }

  /// Without `connect`, each of them opens with the first command whose turn it is.
  @Test(arguments: [2, 3, 4]) func everySharedConnectionIsUsed(count: Int) async throws {
    try await withRedis(adjust: { $0.sharedConnections = count }) { (redis: RedisClient, _: RedisServer) async throws in
      for number in 0..<3 * count { #expect(try await redis.send(.echo("\(number)")) == "\(number)") }
      #expect(redis.statistics.sharedConnections == count)
    }
  }

  /// An actor's function is back on its actor after a command, whether or not a connection had to be opened for it.
  @Test func anActorIsBackWhereItWas() async throws {
    actor Caller {
      func ask(_ redis: RedisClient) async throws {
        for _ in 0..<100 {
          _ = try await redis.send(.ping())
          assertIsolated()
          _ = try await redis.send(.get("nothing"))
          assertIsolated()
          _ = try? await redis.send(.incr("text"))
          assertIsolated()
        }
      }
    }
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      let caller = Caller()
      async let one: Void = caller.ask(redis)
      async let other: Void = caller.ask(redis)
      _ = try await (one, other)
    }
  }

  @Test func aCancelledBlockingPopTakesNothing() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      let pop = Task { try await redis.send(.blpop(["queue"], timeout: .zero)) }
      #expect(await eventually { (try? await redis.send(.info("clients")))?["blocked_clients"] == "1" })
      pop.cancel()
      await #expect(throws: CancellationError.self) { try await pop.value }
      #expect(await eventually { (try? await redis.send(.info("clients")))?["blocked_clients"] == "0" })
      _ = try await redis.send(.rpush("queue", "value"))
      #expect(try await redis.send(.blpop(["queue"], timeout: .seconds(5)))?.value == "value")
      #expect(try await redis.send(.blpop(["queue"], timeout: .milliseconds(5))) == nil)
    }
  }

  @Test func tooMuchInFlightIsRefused() async throws {
    try await withRedis(adjust: { $0.maxCommandsInFlight = 10 }) {
      (redis: RedisClient, server: RedisServer) async throws in
      _ = try await redis.send(.ping())
      server.signal(SIGSTOP)
      let tasks = (0..<10).map { _ in Task { try await redis.send(.ping()) } }
      #expect(await eventually { redis.statistics.commandsInFlight == 10 })
      await #expect { try await redis.send(.ping()) } throws: {
        ($0 as? RedisError)?.code == .overloaded && ($0 as? RedisError)?.isIndeterminate == false
      }
      server.signal(SIGCONT)
      for task in tasks { #expect(try await task.value == "PONG") }
    }
  }

  @Test func largeValuesGoBothWays() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      let large: [UInt8] = (0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let writing = Task { try await redis.send(.set("large", large)) }
      #expect(try await redis.send(.echo("small")) == "small")
      #expect(try await writing.value)
      #expect(try await redis.send(.get("large", as: [UInt8].self)) == large)
    }
  }

  @Test func aWrongPasswordIsToldAndNotShown() async throws {
    try await withRedis(["--requirepass", "right"]) { (redis: RedisClient, server: RedisServer) async throws in
      await #expect { try await redis.send(.ping()) } throws: { "\($0)".contains("NOAUTH") }
      var options = try RedisOptions(url: "unix://:wr%6Fng@\(server.socket)?db=2")
      let wrong = try RedisClient(options, reactor: redis.reactor)
      await #expect { try await wrong.send(.ping()) } throws: { error in
        "\(error)".contains("WRONGPASS") && !"\(error)".contains("wrong@")
      }
      wrong.close()
      options = try RedisOptions(url: "unix://:right@\(server.socket)?db=2")
      let right = try RedisClient(options, reactor: redis.reactor)
      #expect(try await right.send(RedisCommand<String>("CLIENT", "INFO")).contains("db=2"))
      #expect(try await right.send(RedisCommand<String>("CLIENT", "GETNAME")) == "mainstay")
      right.close()
    }
  }

  @Test func connectsOverTCPByNameAndByAddress() async throws {
    let port = UInt16.random(in: 20_000..<30_000)
    try await withRedis(["--port", "\(port)", "--bind", "127.0.0.1"]) {
      (redis: RedisClient, _: RedisServer) async throws in
      for host in ["localhost", "127.0.0.1"] {
        let client = try RedisClient(RedisOptions(url: "redis://\(host):\(port)"), reactor: redis.reactor)
        #expect(try await client.send(.ping()) == "PONG")
        client.close()
      }
    }
    let reactor = try Reactor()
    let nobody = try RedisClient(RedisOptions(url: "redis://127.0.0.1:\(port)"), reactor: reactor)
    await #expect { try await nobody.send(.ping()) } throws: { ($0 as? RedisError)?.code == .notConnected }
    nobody.close()
    reactor.shutdown()
  }

  @Test func aServerThatTakesNoWritesAnyMoreIsLeft() async throws {
    let lost = Tally()
    let server = try RedisServer()
    let reactor = try Reactor()
    let redis = try RedisClient(server.options, reactor: reactor) { event in if case .lost = event { lost.add() } }
    #expect(try await redis.send(.set("a", 1)))
    _ = try await redis.send(RedisCommand<RedisOK>("REPLICAOF", "127.0.0.1", 1))
    await #expect { try await redis.send(.set("a", 2)) } throws: {
      ($0 as? RedisError)?.serverCode == "READONLY" && ($0 as? RedisError)?.effect == .replaceConnection
    }
    let isReplaced = await eventually {
      _ = try? await redis.send(.set("a", 2))
      return lost.count > 0
    }
    #expect(isReplaced)
    #expect(try await redis.send(.get("a")) == "1")
    redis.close()
    reactor.shutdown()
  }

  @Test func readsSurviveTheLossOfTheirConnection() async throws {
    try await withRedis { (redis: RedisClient, server: RedisServer) async throws in
      _ = try await redis.send(.set("a", 1))
      server.signal(SIGSTOP)
      let reads = (0..<50).map { _ in Task { try await redis.send(.get("a")) } }
      let write = Task { try await redis.send(.incr("a")) }
      #expect(await eventually { redis.statistics.commandsInFlight == 51 && redis.statistics.queuedBytes == 0 })
      let killer = try RedisClient(server.options, reactor: redis.reactor)
      let kill = Task {
        try await killer.withSession { session in
          try await session.send(RedisCommand<Int>("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
        }
      }
      server.signal(SIGCONT)
      _ = try await kill.value
      for read in reads { #expect(["1", "2"].contains(try await read.value)) }
      _ = await write.result
      killer.close()
    }
  }

  @Test func aClientWithoutItsReactorFailsInsteadOfHanging() async throws {
    let server = try RedisServer()
    let reactor = try Reactor()
    let redis = try RedisClient(server.options, reactor: reactor)
    #expect(try await redis.send(.ping()) == "PONG")
    reactor.shutdown()
    await #expect(throws: RedisError.self) { try await redis.send(.ping()) }
    redis.close()
  }

  @Test func aDedicatedConnectionIsWaitedForAndHandedOn() async throws {
    try await withRedis(adjust: { $0.maxDedicatedConnections = 2 }) {
      (redis: RedisClient, _: RedisServer) async throws in
      await withTaskGroup(of: Bool.self) { group in
        for index in 0..<40 {
          group.addTask {
            if index % 5 == 0 {
              let task = Task { try await redis.withSession { try await $0.send(.echo("\(index)")) } }
              task.cancel()
              _ = await task.result
              return true
            }
            return (try? await redis.withSession { try await $0.send(.echo("\(index)")) }) == "\(index)"
          }
        }
        for await isRight in group { #expect(isRight) }
      }
      #expect(await eventually { redis.statistics.dedicatedConnections <= 2 && redis.statistics.dedicatedWaiters == 0 })
      await #expect { try await redis.withSession { $0 }.send(.ping()) } throws: {
        ($0 as? RedisError)?.code == .closed
      }
    }
  }

  /// Who has given up takes no place: neither that of others, nor one in the figures.
  @Test func whoStopsWaitingForADedicatedConnectionLeavesTheLine() async throws {
    try await withRedis(adjust: { ($0.maxDedicatedConnections, $0.maxDedicatedWaiters) = (1, 1) }) {
      (redis: RedisClient, _: RedisServer) async throws in
      try await redis.withSession { _ in
        for _ in 0..<3 {
          await #expect {
            try await redis.withSession(deadline: .now.advanced(by: .milliseconds(20))) { _ in }
          } throws: { ($0 as? RedisError)?.code == .timedOut }
          #expect(redis.statistics.dedicatedWaiters == 0)
          let waiting = Task { try await redis.withSession { _ in } }
          #expect(await eventually { redis.statistics.dedicatedWaiters == 1 })
          await #expect { try await redis.withSession { _ in } } throws: { ($0 as? RedisError)?.code == .overloaded }
          waiting.cancel()
          await #expect(throws: CancellationError.self) { try await waiting.value }
        }
      }
      #expect(try await redis.withSession { try await $0.send(.ping()) } == "PONG")
    }
  }

  @Test func closingEndsEverything() async throws {
    try await withRedis { (redis: RedisClient, server: RedisServer) async throws in
      _ = try await redis.send(.ping())
      let subscription = try await redis.subscribe(to: "c")
      server.signal(SIGSTOP)
      let waiting = Task { try await redis.send(.ping()) }
      let popping = Task { try await redis.send(.ping(), deadline: .now.advanced(by: .seconds(100))) }
      #expect(await eventually { redis.statistics.commandsInFlight == 2 })
      redis.close()
      await #expect(throws: RedisError.self) { try await waiting.value }
      await #expect(throws: RedisError.self) { try await popping.value }
      for await _ in subscription { Issue.record("nothing was published") }
      await #expect { try await redis.send(.ping()) } throws: { ($0 as? RedisError)?.code == .closed }
      server.signal(SIGCONT)
    }
  }
}

@Suite("Hostile servers", .serialized, .timeLimit(.minutes(2)))
struct HostileServerTests {
  private func error(answering garbage: String) async throws -> RedisError? {
    let server = try FakeServer { _, received in
      let text = String(decoding: received, as: UTF8.self)
      // The log-in is answered properly, everything else with garbage.
      if text.contains("SETNAME") { return Array("+OK\r\n+PONG\r\n".utf8) }
      return Array(garbage.utf8)
    }
    let reactor = try Reactor()
    var options = RedisOptions(.unix(path: server.path))
    options.commandTimeout = .seconds(20)
    options.replyLimits = RESPLimits(elements: 1000, bulkBytes: 1 << 20, replyBytes: 1 << 20, lineBytes: 1000)
    let redis = try RedisClient(options, reactor: reactor)
    defer {
      redis.close()
      server.close()
      reactor.shutdown()
    }
    do {
      _ = try await redis.send(.incr("x"))
      return nil
    } catch {
      return error as? RedisError
    }
  }

  @Test(arguments: [
    "HTTP/1.1 400 Bad Request\r\n\r\n", "\u{0}\u{0}\u{0}\u{0}\r\n", "*1000000000\r\n", "$999999999999\r\n", "*-7\r\n",
    "$-7\r\n", ":99999999999999999999\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
    "~3\r\n+a\r\n+b\r\n+c\r\n", "(123456789012345678901234567890\r\n",
  ])
  func garbageIsAnErrorAndClosesTheConnection(_ garbage: String) async throws {
    let error = try await error(answering: garbage)
    #expect(error?.code == .protocolViolation)
    #expect(error?.isIndeterminate == true)
  }

  @Test func anEndlessLineIsCutOff() async throws {
    let error = try await error(answering: "+" + String(repeating: "x", count: 100_000))
    #expect(error?.code == .protocolViolation)
  }

  @Test func anUnaskedReplyClosesTheConnection() async throws {
    let lost = Mutex(0)
    let server = try FakeServer { _, received in
      String(decoding: received, as: UTF8.self).contains("SETNAME")
        ? Array("+OK\r\n+PONG\r\n".utf8) : Array(":1\r\n:2\r\n:3\r\n".utf8)
    }
    let reactor = try Reactor()
    let redis = try RedisClient(RedisOptions(.unix(path: server.path)), reactor: reactor) { event in
      if case .lost(let error) = event, error.code == .protocolViolation { lost.withLock { $0 += 1 } }
    }
    #expect(try await redis.send(.incr("x")) == 1)
    #expect(await eventually { lost.withLock { $0 } > 0 })
    redis.close()
    server.close()
    reactor.shutdown()
  }

  @Test func aServerThatNeverAnswersTheLogInIsGivenUpInTime() async throws {
    let server = try FakeServer { _, _ in [] }
    let reactor = try Reactor()
    var options = RedisOptions(.unix(path: server.path))
    options.connectTimeout = .milliseconds(100)
    let redis = try RedisClient(options, reactor: reactor)
    await #expect { try await redis.send(.ping()) } throws: { ($0 as? RedisError)?.code == .notConnected }
    redis.close()
    server.close()
    reactor.shutdown()
  }
}

/// Counts from several tasks.
final class Tally: Sendable {
  private let total = Atomic(0)

  var count: Int { total.load(ordering: .relaxed) }

  func add() { total.wrappingAdd(1, ordering: .relaxed) }
}
