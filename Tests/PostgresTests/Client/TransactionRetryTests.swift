import MainstayResilience
import MainstayTesting
import Testing

@testable import MainstayPostgres

@Suite struct TransactionRetryTests {
  private let conflict = PostgresError(.server, "conflict").with(effect: .retryTransaction)
  private let retry = PostgresTransactionRetry(
    attempts: 3, backoff: Backoff(base: .milliseconds(10), cap: .seconds(1), jitter: .none))

  private func wait(_ attempt: Int, _ error: PostgresError, left: Duration? = nil) -> Duration? {
    var generator = SeededGenerator(seed: 1)
    return retry.wait(after: attempt, error, left: left, using: &generator)
  }

  @Test func waitsLongerEachTimeAndEnds() {
    #expect(wait(1, conflict) == .milliseconds(10))
    #expect(wait(2, conflict) == .milliseconds(20))
    #expect(wait(3, conflict) == nil)
  }

  @Test func onlyWhatWasRolledBackForSureAndForNoFault() {
    #expect(wait(1, conflict.indeterminate()) == nil)
    #expect(wait(1, PostgresError(.server, "other")) == nil)
    #expect(wait(1, PostgresError(.connectionLost, "gone")) == nil)
    #expect(wait(1, conflict.with(effect: .dropStatementAndRetryOnce)) == .milliseconds(10))
  }

  @Test func notBeyondTheDeadline() {
    #expect(wait(1, conflict, left: .milliseconds(11)) == .milliseconds(10))
    #expect(wait(1, conflict, left: .milliseconds(10)) == nil)
    #expect(wait(1, conflict, left: .zero) == nil)
  }
}
