import MainstayCapabilities
import MainstayKernel
import MainstayResilience
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayRetry

/// What the guide says of retries, breakers, services outside and health checks holds.
struct PaymentsTests {
  private static let order = Order(id: "order-1", cents: 1999)

  private func withPayments(
    stripe url: String = "http://127.0.0.1:9", _ body: (Payments, Collector.Found) async throws -> Void
  ) async throws {
    let manifest = """
      plugins:
        collector: {}
        payments: {}
        retry:
          default_strategy: patient
          strategies: { patient: { attempts: 3, delay: 0s } }
          breakers:
            stripe: { base_url: "\(url)" }
            courier: { failure_threshold: 4 }
      """
    try await withHost([Collector.self, RetryPlugin.self, PaymentsPlugin.self], manifest: manifest) { host in
      let found = try #require(host.events.last(Collector.Ready.self)).found
      let payments = Payments(http: found.outbound, resilience: found.resilience, courier: Courier())
      try await body(payments, found)
    }
  }

  @Test func aChargeIsRepeatedUnderItsKey() async throws {
    let server = try await ScriptedServer(["503", "reset", "200 paid", "402"])
    try await withPayments(stripe: server.url) { payments, _ in
      let receipt = try await payments.charge(Self.order)
      #expect(receipt == "paid")
      #expect(server.requests == Array(repeating: "POST /base/v1/charges", count: 3))
      await #expect(throws: ChargeRefused.self) { try await payments.charge(Self.order) }
      #expect(server.requests.count == 4, "a refusal is an answer")
    }
    try await server.stop()
  }

  @Test func aCallIsRepeatedAsItsErrorsSay() async throws {
    try await withPayments { payments, found in
      var payments = payments
      let calls = Atomic<Int>(0)
      func failing(_ error: CourierError) -> @Sendable () async throws -> Int {
        {
          calls.wrappingAdd(1, ordering: .relaxed)
          throw error
        }
      }
      payments.courier.answer = failing(.unknownAddress)
      await #expect(throws: CourierError.self) { try await payments.ship(Self.order) }
      #expect(calls.load(ordering: .relaxed) == 1)
      payments.courier.answer = failing(.busy(seconds: 3600))
      await #expect(throws: CourierError.self) { try await payments.ship(Self.order) }
      #expect(calls.load(ordering: .relaxed) == 2, "an hour is not waited for")
      payments.courier.answer = failing(.lineBroken)
      #expect(try await payments.price(of: Self.order) == 499)
      #expect(calls.load(ordering: .relaxed) == 5)
      // Four failures since the last answer: the breaker is open, and the fallback still answers.
      #expect(try found.resilience.service("courier").breaker.state == .open)
      #expect(try await payments.price(of: Self.order) == 499)
      #expect(calls.load(ordering: .relaxed) == 5)
      #expect(found.resilience.executions?.recent(2).first?.metadata == ["order": "order-1"])
      payments.courier.answer = { 350 }
      try found.resilience.service("courier").breaker.close()
      #expect(try await payments.price(of: Self.order) == 350)
      try await payments.settle([Self.order])
    }
  }

  @Test func itsCheckIsLookedAt() async throws {
    try await withPayments { _, found in
      let check = try found.check("courier")
      #expect(check.refusal == nil && check.failAfter == 3)
      #expect(try await check.look() == .healthy(details: ["waiting": 7]))
    }
  }
}
