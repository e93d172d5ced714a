import HTTPTypes
import MainstayCapabilities
import MainstayKernel

/// How the host is, in one word.
enum HealthStatus: String, Sendable, CaseIterable {
  /// Everything that should run does.
  case healthy
  /// Work is done, but a plugin has failed or is on its way up or down.
  case degraded
  /// No work is done: the host starts or stops.
  case unhealthy

  /// The word for a state of the host.
  init(_ status: HostStatus) {
    self =
      if status.state != .running { .unhealthy } else if status.plugins.allSatisfy({ $0.state == .running }) {
        .healthy
      } else {
        .degraded
      }
  }

  /// The word for a state of the host together with what its checks and thresholds say.
  init(_ status: HostStatus, checks: [CheckAnswer], isOverloaded: Bool) {
    let host = HealthStatus(status)
    let isBroken = checks.contains { $0.check.isCritical && $0.counted == .unhealthy }
    let isLame = isOverloaded || checks.contains { $0.counted != .healthy }
    self = host == .unhealthy || isBroken ? .unhealthy : host == .degraded || isLame ? .degraded : .healthy
  }

  /// The word of `application/health+json`.
  var draftWord: String {
    switch self {
    case .healthy: "pass"
    case .degraded: "warn"
    case .unhealthy: "fail"
    }
  }

  /// The status of the response: a degraded host still does its work.
  var code: HTTPResponse.Status { self == .unhealthy ? .serviceUnavailable : .ok }
}

extension HostStatus {
  /// What keeps the host from being wholly well, a sentence each. Names plugins, never their errors.
  var reasons: [String] {
    switch state {
    case .created, .starting, .running: plugins.compactMap(\.reason)
    case .draining: ["the host is stopping" + (reason.map { ": " + $0 } ?? "")]
    case .stopped: ["the host has stopped"]
    case .failed: ["the host has failed"]
    }
  }
}

extension PluginStatus {
  fileprivate var reason: String? {
    switch state {
    case .running: nil
    case .created where waitsFor.isEmpty: "\(name) is about to start"
    case .created: "\(name) waits for \(waitsFor.joined(separator: ", "))"
    case .starting: "\(name) is starting"
    case .draining: "\(name) is stopping"
    case .stopped: "\(name) has stopped"
    case .failed where isTolerated: "\(name) has failed; the host runs without it"
    case .failed: "\(name) has failed"
    }
  }
}
