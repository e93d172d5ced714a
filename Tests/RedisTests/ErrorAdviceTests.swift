import Glibc
import MainstayKernel
import MainstayRedis
import MainstayResilience
import MainstayTesting
import Testing

/// What errors of a real server say about trying again.
@Suite("Errors and trying again", .serialized, .timeLimit(.minutes(2)))
struct ErrorAdviceTests {
  private struct Case: Sendable {
    let error: RedisError
    let advice: CallAdvice
    let verdict: CallVerdict
  }

  private static let cases = [
    Case(error: .init(serverText: "LOADING Redis is loading"), advice: .withoutEffect, verdict: .failure),
    Case(error: .init(serverText: "BUSY Redis is busy"), advice: .withoutEffect, verdict: .failure),
    Case(error: .init(serverText: "MASTERDOWN Link down"), advice: .withoutEffect, verdict: .failure),
    Case(error: .init(serverText: "CLUSTERDOWN The cluster is down"), advice: .withoutEffect, verdict: .failure),
    Case(error: .init(serverText: "READONLY You can't write"), advice: .withoutEffect, verdict: .failure),
    Case(error: .init(serverText: "NOREPLICAS Not enough"), advice: .withoutEffect, verdict: .failure),
    Case(error: .init(serverText: "TRYAGAIN Multiple keys"), advice: .withoutEffect, verdict: .success),
    Case(error: .init(serverText: "MISCONF Errors writing"), advice: .permanent, verdict: .failure),
    Case(error: .init(serverText: "OOM command not allowed"), advice: .permanent, verdict: .success),
    Case(error: .init(serverText: "WRONGTYPE Operation"), advice: .permanent, verdict: .success),
    Case(error: .init(serverText: "NOAUTH Authentication"), advice: .permanent, verdict: .success),
    Case(error: .init(serverText: "MOVED 1 127.0.0.1:1"), advice: .permanent, verdict: .success),
    Case(error: .init(serverText: "ERR syntax error"), advice: .permanent, verdict: .success),
    Case(error: .init(.notConnected, "refused"), advice: .withoutEffect, verdict: .failure),
    Case(error: .init(.connectionLost, "before it was sent"), advice: .withoutEffect, verdict: .failure),
    Case(error: .init(.connectionLost, "sent", isIndeterminate: true), advice: .transient, verdict: .failure),
    Case(error: .init(.timedOut, "sent", isIndeterminate: true), advice: .transient, verdict: .failure),
    Case(error: .init(.protocolViolation, "odd", isIndeterminate: true), advice: .transient, verdict: .failure),
    Case(error: .init(.transactionAborted, "others were quicker"), advice: .withoutEffect, verdict: .success),
    Case(error: .init(.overloaded, "too many in flight"), advice: .permanent, verdict: .neutral),
    Case(error: .init(.decoding, "no integer"), advice: .permanent, verdict: .success),
    Case(error: .init(.configuration, "no address"), advice: .permanent, verdict: .neutral),
    Case(error: .init(.closed, "closed"), advice: .permanent, verdict: .neutral),
  ]

  @Test func everyErrorSaysWhetherItPasses() {
    for known in Self.cases {
      #expect(known.error.callAdvice == known.advice, "\(known.error)")
      #expect(known.error.callVerdict == known.verdict, "\(known.error)")
    }
  }

  /// Enough attempts, and no waits.
  private func retry(_ attempts: Int) -> Retry {
    Retry(RetryStrategy("test", attempts: attempts, backoff: .none), timer: DeadlineTimer(clock: ManualClock()))
  }

  @Test func aServerThatRunsAScriptIsTriedAgainWhateverTheCommandDoes() async throws {
    try await withRedis(["--lua-time-limit", "1"]) { redis, _ in
      let script = Task {
        try await redis.withSession { session in
          try await session.send(RedisCommand<RESPValue>("EVAL", "while true do end", "0"))
        }
      }
      #expect(await eventually { ((try? await redis.send(.ping())) ?? "") != "PONG" })
      let call = RetryCall("count", idempotency: .nonIdempotent)
      let outcome = await retry(1000).outcome(of: call) {
        if CallContext.current?.attempt == 3 { _ = try await redis.send(RedisCommand<RESPValue>("SCRIPT", "KILL")) }
        return try await redis.send(.incr("n"))
      }
      #expect(outcome.attempts >= 3 && outcome.stop == nil)
      let count = try outcome.result.get()
      #expect(count == 1, "refused attempts have counted nothing")
      _ = await script.result
    }
  }

  @Test func aFullServerIsNotTriedAgain() async throws {
    try await withRedis(["--maxmemory", "1", "--maxmemory-policy", "noeviction"]) { redis, _ in
      let outcome = await retry(3).outcome(of: RetryCall("set", idempotency: .idempotent)) {
        try await redis.send(.set("k", "v"))
      }
      #expect(outcome.attempts == 1 && outcome.stop == .notRetryable)
      let error = #expect(throws: RedisError.self) { try outcome.result.get() }
      #expect(error?.serverCode == "OOM")
    }
  }

  @Test func aLostConnectionIsRepeatedOnlyIfNothingCanHaveBeenDone() async throws {
    try await withRedis { redis, server in
      _ = try await redis.send(.ping())
      server.signal(SIGSTOP)
      let sent = Task {
        await retry(1000).outcome(of: RetryCall("count", idempotency: .nonIdempotent)) {
          try await redis.send(.incr("n"))
        }
      }
      #expect(await eventually { redis.statistics.commandsInFlight == 1 && redis.statistics.queuedBytes == 0 })
      server.stop()
      let outcome = await sent.value
      #expect(outcome.attempts == 1 && outcome.stop == .nonIdempotent)
      #expect(await eventually { (try? await redis.send(.ping())) == nil })
      // Nobody is there, so nothing is sent, until the server is back.
      let unsent = await retry(1_000_000).outcome(of: RetryCall("count", idempotency: .nonIdempotent)) {
        if CallContext.current?.attempt == 3 { try server.start() }
        await Task.yield()
        return try await redis.send(.incr("n"))
      }
      #expect(unsent.attempts >= 3 && (try? unsent.result.get()) == 1)
    }
  }
}
