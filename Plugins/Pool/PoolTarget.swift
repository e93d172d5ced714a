import MainstayCapabilities
import MainstayKernel
import MainstayPooling

/// A server that the plugin keeps connections to.
protocol PoolTarget: Sendable {
  var name: String { get }
  /// How it is at this moment.
  var status: ConnectionPoolStatus { get }
  /// What has become known of it.
  var watch: TargetWatch { get }
  /// Asks for a sign of life; how long that took.
  func ping(deadline: ContinuousClock.Instant) async throws -> Duration
  /// One sentence on a target that answers, and whether it is as it should be.
  var condition: HealthFinding { get }
  func optimize() -> ConnectionPoolOptimization
  /// - Parameter processor: Percent of the machine's processors in use.
  func scale(processor: Double?)
  /// Replaces every connection; false if there is nothing to replace.
  func startGeneration(reason: String) -> Bool
  func close(by deadline: ContinuousClock.Instant) async
}

extension PoolTarget {
  /// Asks for a sign of life, and tells the bus if there is none, or one again.
  /// - Parameter isClosing: Whether it is no wonder that there is none.
  func check(_ timeout: Duration, isClosing: () -> Bool = { false }) async -> ConnectionPoolHealth {
    do {
      let latency = try await ping(deadline: .now.advanced(by: timeout))
      watch.answered()
      return ConnectionPoolHealth(name: name, finding: condition, latency: latency)
    } catch {
      let reason = "\(error)"
      // Nobody learns anything from a check that was cancelled.
      if !Task.isCancelled, !isClosing() { watch.didNotAnswer(reason) }
      return ConnectionPoolHealth(name: name, finding: .unhealthy(reason))
    }
  }
}
