import MainstayReactor
import MainstayRedis
import MainstayTesting
import Testing

/// Thousands of commands given up at every point of their way, over one connection that all callers share. Redis answers in
/// order and names no command, so one reply too few or too many would give everybody after it somebody else's.
@Suite(.serialized, .timeLimit(.minutes(3))) struct CancellationRaceTests {
  @Test func nobodyGetsAnothersReply() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      let connection = RedisCommand<Int>("CLIENT", "ID")
      let before = try await redis.send(connection)
      let (rounds, workers) = (20_000, 64)
      let score = RaceScore()
      let seconds = await ContinuousClock().measure {
        await withTaskGroup(of: Void.self) { group in
          for worker in 0..<workers {
            group.addTask(executorPreference: worker % 2 == 0 ? redis.reactor : nil) {
              var race = Race(redis: redis, score: score, seed: worker)
              for _ in 0..<(rounds / workers + 1) { await race.round() }
            }
          }
        }
      }
      let counts = score.counts
      print(
        "cancellation race over Redis: \(counts.rounds) rounds in \(seconds), \(counts.givenUp) given up, "
          + "\(counts.finished) too late")
      #expect(score.faults.isEmpty, "\(score.faults.prefix(10))")
      #expect(counts.rounds >= rounds && counts.givenUp > rounds / 10 && counts.finished > rounds / 20)
      #expect(try await redis.send(connection) == before, "the connection was never replaced")
      let rest = redis.statistics
      #expect(rest.commandsInFlight == 0 && rest.queuedBytes == 0 && rest.dedicatedWaiters == 0)
    }
  }
}

/// One worker's rounds: each a command whose reply tells whose it is, given up somewhere or nowhere.
private struct Race {
  private let redis: RedisClient
  private let score: RaceScore
  private var random: SeededGenerator
  private var number: Int

  init(redis: RedisClient, score: RaceScore, seed: Int) {
    self.redis = redis
    self.score = score
    random = SeededGenerator(seed: UInt64(seed))
    number = seed * 1_000_000
  }

  mutating func round() async {
    number += 1
    score.add { $0.rounds += 1 }
    let isInnocent = random.next() % 3 == 0
    let form = Form.allCases.randomElement(using: &random) ?? .echo
    let patience = Duration.microseconds(Int.random(in: 0...8_000, using: &random))
    let usesDeadline = !isInnocent && random.next() % 4 == 0
    let deadline = usesDeadline ? ContinuousClock.now.advanced(by: patience) : nil
    let (redis, number) = (redis, number)
    // Some commands keep the server busy, so that many are under way when they are given up.
    let isSlow = random.next() % 32 == 0
    let call = Task(executorPreference: random.next() % 2 == 0 ? redis.reactor : nil) {
      isSlow ? try await Form.slow(number, redis, deadline) : try await form.run(number, redis, deadline)
    }
    if !isInnocent, !usesDeadline { await cancel(call, patience) }
    judge(await call.result, isInnocent)
  }

  private mutating func cancel(_ call: Task<[Int?], any Error>, _ patience: Duration) async {
    switch random.next() % 4 {
    case 0: break
    case 1: for _ in 0..<(random.next() % 40) { await Task.yield() }
    // Not a wait for anything: the moment of giving up is what is random. Nobody cancels the worker, so it cannot throw.
    default: try? await Task.sleep(for: patience / 4)
    }
    call.cancel()
  }

  private func judge(_ result: Result<[Int?], any Error>, _ isInnocent: Bool) {
    switch result {
    case .success(let replies) where replies.contains { $0 != number }: score.fault("\(number) got \(replies)")
    case .success: if !isInnocent { score.add { $0.finished += 1 } }
    case .failure(let error) where isInnocent: score.fault("an innocent one: \(error)")
    case .failure(is CancellationError): score.add { $0.givenUp += 1 }
    case .failure(let error as RedisError) where error.code == .timedOut: score.add { $0.givenUp += 1 }
    case .failure(let error): score.fault("a victim: \(error)")
    }
  }

  private enum Form: CaseIterable {
    case echo, pipeline, transaction, pop

    /// The numbers in the replies; all of them must be the caller's.
    func run(_ number: Int, _ redis: RedisClient, _ deadline: ContinuousClock.Instant?) async throws -> [Int?] {
      switch self {
      case .echo: return [try await redis.send(Self.echo(number), deadline: deadline)]
      case .pipeline:
        let (first, _, last) = try await redis.pipeline(
          Self.echo(number), .set("pipeline:\(number)", number), .get("pipeline:\(number)", as: Int.self),
          deadline: deadline)
        return [first, last]
      case .transaction:
        let (_, got) = try await redis.transaction(
          .set("transaction:\(number)", number), .get("transaction:\(number)", as: Int.self), deadline: deadline)
        return [got]
      case .pop:
        // On a connection of its own; who is cancelled while waiting leaves the value there.
        _ = try await redis.send(.rpush("list:\(number)", number), deadline: deadline)
        let popped = try await redis.send(.blpop(["list:\(number)"], timeout: .seconds(20)), deadline: deadline)
        return [popped.flatMap { Int($0.value) }]
      }
    }

    static func slow(_ number: Int, _ redis: RedisClient, _ deadline: ContinuousClock.Instant?) async throws -> [Int?] {
      let loop = "local i = 0 while i < 100000 do i = i + 1 end return ARGV[1]"
      return [try await redis.send(RedisCommand<Int>("EVAL", loop, "0", number), deadline: deadline)]
    }

    private static func echo(_ number: Int) -> RedisCommand<Int> { RedisCommand<Int>("ECHO", number) }
  }
}
