import MainstayResilience
import Testing

@testable import MainstayPooling

/// What a caller without a connection is told about trying again.
@Suite struct PoolErrorAdviceTests {
  private struct Refused: RetryClassifiable { let callAdvice: CallAdvice }
  private struct Unknown: Error {}

  private func error(_ code: PoolError.Code, cause: (any Error)? = nil) -> PoolError {
    PoolError(code, pool: "test", "no connection", cause: cause)
  }

  @Test func wantOfAServerPassesUnlessItIsHopeless() {
    for code in [PoolError.Code.unavailable, .timedOut] {
      for cause in [Refused(callAdvice: .withoutEffect), Refused(callAdvice: .transient), Unknown()] as [any Error] {
        #expect(error(code, cause: cause).callAdvice == .withoutEffect)
        #expect(error(code, cause: cause).callVerdict == .failure)
      }
      let wrongPassword = error(code, cause: Refused(callAdvice: .permanent))
      #expect(wrongPassword.callAdvice == .permanent && wrongPassword.callVerdict == .failure)
    }
    #expect(error(.unavailable).callAdvice == .withoutEffect)
  }

  @Test(arguments: [
    PoolError.Code.timedOut, .queueFull, .displaced, .tenantQueueFull, .nestedAcquire, .shutDown, .cancelled,
    .reclaimed,
  ])
  func whatThePoolRefusesIsNotRepeatedAndSaysNothingAboutTheServer(_ code: PoolError.Code) {
    #expect(error(code).callAdvice == .permanent && error(code).callVerdict == .neutral)
  }
}
