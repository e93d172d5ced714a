public import MainstayKernel

/// An alert fires.
public struct AlertTriggered: Event {
  /// `metrics.alert-triggered`
  public static let topic: Topic = "metrics.alert-triggered"
  /// The rule.
  public let alert: String
  /// `info`, `warning`, `high`, `critical`, or a word of the operator's own.
  public let severity: String
  /// The group, the rule's labels, `alertname` and `severity`.
  public let labels: [String: String]
  /// What was measured; nil if the alarm is that nothing was.
  public let value: Double?
  /// What it was compared with.
  public let threshold: Double
  /// What it means.
  public let summary: String
  /// Whom to tell.
  public let channels: [String]
}

/// An alert is over.
public struct AlertResolved: Event {
  /// `metrics.alert-resolved`
  public static let topic: Topic = "metrics.alert-resolved"
  /// The rule.
  public let alert: String
  /// How bad it was.
  public let severity: String
  /// The group, the rule's labels, `alertname` and `severity`.
  public let labels: [String: String]
  /// What is measured now; nil if nothing is.
  public let value: Double?
  /// Whom to tell.
  public let channels: [String]
}

/// An alert's condition holds, and has not held for long enough to fire.
public struct AlertPending: Event {
  /// `metrics.alert-pending`
  public static let topic: Topic = "metrics.alert-pending"
  /// The rule.
  public let alert: String
  /// The group, the rule's labels, `alertname` and `severity`.
  public let labels: [String: String]
  /// What was measured.
  public let value: Double?
}

/// Somebody is to be told of alerts: grouped, without those that are silenced or inhibited, and not more often than agreed.
public struct AlertNotification: Event {
  /// `metrics.alert-notification`
  public static let topic: Topic = "metrics.alert-notification"
  /// Why now: `first`, `new-alerts`, `some-resolved`, `all-resolved`, `repeat`, `escalation`.
  public let reason: String
  /// What the alerts have in common.
  public let group: [String: String]
  /// The worst severity among them.
  public let severity: String
  /// Whom to tell.
  public let channels: [String]
  /// What fires, in words.
  public let firing: [String]
  /// What is over, in words.
  public let resolved: [String]
}
