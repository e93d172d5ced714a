public import MainstayKernel

/// A question a plugin answers about one thing it depends on or looks after: is it well, and how quickly did it answer.
///
/// ```swift
/// try context.contribute(
///   HealthCheck("postgres", about: .dependency, in: [.readiness]) { .healthy("12 of 50 connections in use") },
///   to: .healthChecks)
/// ```
/// The collector runs it: at most once at a time, under its timeout, and keeps the answer for `keeps`.
public struct HealthCheck: Sendable {
  /// What the answer is used for.
  public enum Group: String, Sendable, Hashable, CaseIterable {
    /// Whether the process must be restarted. Never about a dependency: restarting this process does not heal another.
    case liveness
    /// Whether the host should be sent work.
    case readiness
    /// Whether the host has come up.
    case startup
  }

  /// What the check looks at.
  public enum Subject: String, Sendable, Hashable {
    /// Something inside this process.
    case component
    /// Something outside it: a database, another service.
    case dependency
  }

  /// The name, unique in a plugin, in `lower_snake_case`.
  public let name: String
  /// What it looks at.
  public let subject: Subject
  /// What its answer counts for. Empty: it is reported and decides nothing.
  public let groups: Set<Group>
  /// Whether the host is unhealthy without it; else it is degraded.
  public let isCritical: Bool
  /// How long it may take; nil for the collector's default.
  public let timeout: Duration?
  /// How long an answer is given again; nil for the collector's default.
  public let keeps: Duration?
  /// Failures in a row after which it counts as failed.
  public let failAfter: Int
  /// Successes in a row after which it counts as passed again.
  public let passAfter: Int
  /// Looks. What it throws counts as unhealthy; the error is shown to those who may see details.
  public let look: @Sendable () async throws -> HealthFinding

  /// A check.
  public init(
    _ name: String, about subject: Subject = .component, in groups: Set<Group> = [.readiness],
    isCritical: Bool = false, timeout: Duration? = nil, keeps: Duration? = nil, failAfter: Int = 1, passAfter: Int = 1,
    look: @escaping @Sendable () async throws -> HealthFinding
  ) {
    self.name = name
    self.subject = subject
    self.groups = groups
    self.isCritical = isCritical
    self.timeout = timeout
    self.keeps = keeps
    self.failAfter = failAfter
    self.passAfter = passAfter
    self.look = look
  }
}

/// What a check found.
public struct HealthFinding: Sendable, Equatable {
  /// How well it is.
  public enum Status: String, Sendable, Hashable, CaseIterable {
    /// It works.
    case healthy
    /// It works, but not as it should.
    case degraded
    /// It does not work.
    case unhealthy
  }

  /// How well it is.
  public let status: Status
  /// One sentence for people; no data, no secrets.
  public let message: String?
  /// Figures, with their units in their names.
  public let details: JSONObject

  /// A finding.
  public init(_ status: Status, _ message: String? = nil, details: JSONObject = [:]) {
    self.status = status
    self.message = message
    self.details = details
  }

  /// It works.
  public static func healthy(_ message: String? = nil, details: JSONObject = [:]) -> Self {
    Self(.healthy, message, details: details)
  }

  /// It works, but not as it should.
  public static func degraded(_ message: String, details: JSONObject = [:]) -> Self {
    Self(.degraded, message, details: details)
  }

  /// It does not work.
  public static func unhealthy(_ message: String, details: JSONObject = [:]) -> Self {
    Self(.unhealthy, message, details: details)
  }
}

extension ContributionPoint where Value == HealthCheck {
  /// Checks for the health plugin.
  public static var healthChecks: Self { Self("health_checks") }
}
