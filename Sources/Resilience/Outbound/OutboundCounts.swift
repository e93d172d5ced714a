import Synchronization

/// What has become of the requests to one service, each attempt counted.
public struct OutboundCounts: Sendable, Hashable {
  /// Requests that were sent, or should have been.
  public internal(set) var requests: UInt64 = 0
  /// Requests without an answer, or with one that tells of a failure of the service.
  public internal(set) var failures: UInt64 = 0
  /// Failures since the last answer.
  public internal(set) var failuresInARow = 0
  /// Requests under way.
  public internal(set) var inFlight = 0

  /// Nothing yet.
  public init() {}

  /// A request has ended. One that its caller gave up says nothing about the service.
  mutating func ended(_ verdict: CallVerdict) {
    inFlight -= 1
    switch verdict {
    case .success: failuresInARow = 0
    case .failure:
      failures &+= 1
      failuresInARow += 1
    case .neutral: break
    }
  }
}

/// The counts of every service. Bounded: services stand in the manifest.
final class OutboundTally: Sendable {
  private let counts: Mutex<[String: OutboundCounts]>

  init(_ services: some Sequence<String>) {
    counts = Mutex(Dictionary(services.map { ($0, OutboundCounts()) }, uniquingKeysWith: { first, _ in first }))
  }

  var all: [String: OutboundCounts] { counts.withLock { $0 } }

  /// Makes a request to a service, and counts it.
  func count<Value>(_ service: String, _ request: () async throws -> Value) async throws -> Value {
    counts.withLock { counts in
      counts[service, default: OutboundCounts()].requests &+= 1
      counts[service, default: OutboundCounts()].inFlight += 1
    }
    do {
      let value = try await request()
      end(service, .success)
      return value
    } catch {
      end(service, error is CancellationError || Task.isCancelled ? .neutral : CallClassifier.standard.verdict(error))
      throw error
    }
  }

  private func end(_ service: String, _ verdict: CallVerdict) {
    counts.withLock { $0[service, default: OutboundCounts()].ended(verdict) }
  }
}
