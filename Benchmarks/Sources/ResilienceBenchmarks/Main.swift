import Glibc
import MainstayKernel
import MainstayResilience

/// What the layers around a call cost while everything is well, and what a refusal costs while it is not. Prints one line a
/// benchmark: name and nanoseconds of CPU time. The programs under peers/resilience do the same work with other libraries.
///
/// An argument limits it to the benchmarks whose names begin with it.
@main
enum ResilienceBenchmarks {
  static func main() async {
    // Off the main actor, which every call of a nonisolated function would leave and come back to.
    await Task.detached { await measure() }.value
  }

  private static func measure() async {
    let clock = SystemClock()
    let timer = DeadlineTimer(clock: clock)
    let budget = RetryBudget(clock: clock)
    await row("resilience.call", 5_000_000) { for _ in 0..<$0 { _ = try await work() } }
    permits(clock)

    let retry = Retry(.standard, timer: timer, budget: budget, limit: RetryLimit(), executions: RetryExecutions())
    await row("resilience.retry", 1_000_000) {
      for _ in 0..<$0 { _ = try await retry.run("call", .idempotent) { try await work() } }
    }
    await row("resilience.deadline", 500_000) {
      for _ in 0..<$0 { _ = try await withDeadline(.seconds(1), timer: timer) { try await work() } }
    }
    // The call waits once, as one that goes over a network does.
    await row("resilience.suspended", 500_000) { for _ in 0..<$0 { _ = try await suspended() } }
    await row("resilience.deadline.suspended", 500_000) {
      for _ in 0..<$0 { _ = try await withDeadline(.seconds(1), timer: timer) { try await suspended() } }
    }
    await row("resilience.deadline.abandon", 200_000) {
      for _ in 0..<$0 { _ = try await withDeadline(.seconds(1), timer: timer, overrun: .abandon) { try await work() } }
    }
    let breaker = CircuitBreaker("service", clock: clock)
    let pair = CallPipeline(timer: timer, retry: retry, breaker: breaker)
    await row("resilience.pipeline", 500_000) {
      for _ in 0..<$0 { _ = try await pair.run("call", .idempotent) { try await work() } }
    }
    let all = CallPipeline(
      timer: timer, overallTimeout: .seconds(30), retry: retry, breaker: breaker,
      bulkhead: Bulkhead("service", limit: 10, timer: timer), limiter: AdaptiveLimiter("service", clock: clock),
      attemptTimeout: .seconds(10))
    await row("resilience.pipeline.all", 200_000) {
      for _ in 0..<$0 { _ = try await all.run("call", .idempotent) { try await work() } }
    }
  }

  private static func permits(_ clock: SystemClock) {
    let breaker = CircuitBreaker("service", clock: clock)
    row("resilience.permit", 5_000_000) { for _ in 0..<$0 { try? breaker.acquire().finish(.success) } }
    let window = CircuitBreakerSettings(trip: .windowed(ratio: 0.5, period: .seconds(10)))
    let windowed = CircuitBreaker("service", window, clock: clock)
    row("resilience.permit.windowed", 5_000_000) { for _ in 0..<$0 { try? windowed.acquire().finish(.success) } }
    let open = CircuitBreaker("service", CircuitBreakerSettings(trip: .consecutive(failures: 1)), clock: clock)
    try? open.acquire().finish(.failure)
    row("resilience.rejection", 5_000_000) { for _ in 0..<$0 { try? open.acquire().finish(.success) } }
  }

  @inline(never) private static func work() async throws -> Int { 1 }

  @inline(never) private static func suspended() async throws -> Int {
    await withUnsafeContinuation { $0.resume(returning: 1) }
  }

  private static var processorTime: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static func isWanted(_ name: String) -> Bool { name.hasPrefix(CommandLine.arguments.dropFirst().first ?? "") }

  /// CPU time of the process per operation, the least of some rounds.
  private static func row(_ name: String, _ operations: Int, _ body: (Int) -> Void) {
    guard isWanted(name) else { return }
    var best = Double.infinity
    for _ in 0..<7 {
      let start = processorTime
      body(operations)
      best = min(best, processorTime - start)
    }
    print("\(name)\t\(best / Double(operations) * 1e9)")
  }

  private static func row(_ name: String, _ operations: Int, _ body: @Sendable (Int) async throws -> Void) async {
    guard isWanted(name) else { return }
    var best = Double.infinity
    for _ in 0..<7 {
      let start = processorTime
      do { try await body(operations) } catch { return print("\(name)\tnan") }
      best = min(best, processorTime - start)
    }
    print("\(name)\t\(best / Double(operations) * 1e9)")
  }
}
