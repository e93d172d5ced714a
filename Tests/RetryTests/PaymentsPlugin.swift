import MainstayCapabilities
import MainstayKernel
import MainstayResilience

// The plugin that docs/plugins.md and the READMEs of retry and health quote. scripts/test compares the quotations.

/// Charges cards, and has what was paid for delivered.
struct PaymentsPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "payments", version: "1.0.0", summary: "Charges cards.",
    requires: [.capability(.resilience), .capability(.outboundHTTP)], contributes: [.point(.healthChecks)])

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let payments = Payments(
      http: try context.require(.outboundHTTP), resilience: try context.require(.resilience), courier: Courier())
    try context.contribute(
      HealthCheck("courier", about: .dependency, in: [], timeout: .seconds(1), failAfter: 3, passAfter: 2) {
        let waiting = try await payments.courier.waiting()
        let details: JSONObject = ["waiting": .integer(Int64(waiting))]
        return waiting < 100 ? .healthy(details: details) : .degraded("parcels pile up", details: details)
      }, to: .healthChecks)
  }
}

struct Payments: Sendable {
  let http: OutboundClient
  let resilience: Resilience
  var courier: Courier

  func charge(_ order: Order) async throws -> String {
    let request = OutboundRequest(
      "POST", "/v1/charges", headers: [("Content-Type", "application/x-www-form-urlencoded")],
      body: Array("amount=\(order.cents)&currency=eur".utf8), idempotency: .keyed(order.id), operation: "charge")
    let answer = try await http.send(request, to: "stripe")
    guard answer.status == 200 else { throw ChargeRefused(status: answer.status) }
    return String(decoding: answer.body, as: UTF8.self)
  }

  func ship(_ order: Order) async throws {
    let service = try resilience.service("courier")
    try await service.run("ship", .keyed(order.id)) { try await courier.ship(order) }
  }

  func price(of order: Order) async throws -> Int {
    let call = RetryCall(
      "price", idempotency: .safe, strategy: try resilience.strategy("patient"), metadata: ["order": order.id])
    return try await resilience.service("courier").run(call, fallback: { _ in 499 }) {
      try await courier.price(of: order)
    }
  }

  func settle(_ orders: [Order]) async throws {
    let nightly = RetryStrategy(
      "nightly", attempts: 8, backoff: Backoff(base: .seconds(5), cap: .seconds(300)), attemptTimeout: .seconds(60),
      overallTimeout: .seconds(3600))
    for order in orders {
      try await resilience.service("courier").run(
        RetryCall("settle", idempotency: .idempotent, strategy: nightly)
      ) { try await courier.settle(order) }
    }
  }
}

struct Order: Sendable {
  let id: String
  let cents: Int
}

struct ChargeRefused: Error {
  let status: Int
}

enum CourierError: Error {
  case unknownAddress, busy(seconds: Int), lineBroken
}

extension CourierError: RetryClassifiable {
  var callAdvice: CallAdvice {
    switch self {
    case .unknownAddress: .permanent
    case .busy(let seconds): .throttled(after: .seconds(seconds))
    case .lineBroken: .transient
    }
  }
}

/// Stands for the library of a courier.
struct Courier: Sendable {
  /// How each of its answers comes about: whatever the test says.
  var answer: @Sendable () async throws -> Int = { 7 }

  func ship(_ order: Order) async throws { _ = try await answer() }
  func settle(_ order: Order) async throws { _ = try await answer() }
  func price(of order: Order) async throws -> Int { try await answer() }
  func waiting() async throws -> Int { try await answer() }
}
