/// The alerts that every host needs. Rules about metrics that no plugin exports never fire.
enum StandardRules {
  static let all: [AlertRule] = host + data + services

  private static let host: [AlertRule] = [
    ratio(
      "HighErrorRate", selector("http_requests_total", .increase, 300, ["status": "5*"]),
      by: selector("http_requests_total", .increase, 300), above: 0.05, for: 300, "critical",
      "More than 5 % of the requests fail."),
    rule(
      "HighLatency", selector("http_request_duration_seconds", .quantile(0.95), 300), above: 1, for: 300, "warning",
      "One request in twenty takes longer than a second."),
    rule(
      "ServiceDown", selector("plugin_state", .last, 60, ["state": "failed"], by: ["plugin"]), above: 0, for: 120,
      "critical", "A plugin has failed and is not coming back."),
    ratio(
      "HighMemoryUsage", selector("process_resident_memory_bytes", .last, 60),
      by: selector("process_memory_limit_bytes", .last, 60), above: 0.9, for: 300, "critical",
      "More than 90 % of the allowed memory is used."),
    ratio(
      "HighCPUUsage", selector("process_cpu_seconds_total", .rate, 300), by: selector("machine_processors", .last, 300),
      above: 0.8, for: 600, "warning", "More than 80 % of the processors is used by this process."),
    rule(
      "HighEventLoopLag", selector("event_loop_lag_seconds", .max, 60), above: 0.1, for: 120, "warning",
      "An event loop is late by more than 100 ms: something blocks it."),
    rule(
      "HighTaskPoolLag", selector("task_pool_lag_seconds", .max, 60), above: 0.1, for: 120, "warning",
      "Tasks begin more than 100 ms late: something blocks the shared threads."),
    ratio(
      "DescriptorsRunningOut", selector("process_open_fds", .last, 60), by: selector("process_max_fds", .last, 60),
      above: 0.9, for: 120, "critical", "More than 90 % of the file descriptors are open."),
    rule(
      "EventsLost", selector("event_bus_dropped_total", .increase, 300), above: 0, for: 0, "warning",
      "A subscriber of the event bus is too slow: events were lost."),
    rule(
      "HealthCheckFailing", selector("health_check_status", .last, 60, by: ["plugin", "check"]), below: 0.25, for: 120,
      "critical", "A health check has failed."),
  ]

  /// Databases and Redis.
  private static let data: [AlertRule] = [
    rule(
      "DatabaseConnectionErrors", selector("database_connection_errors_total", .increase, 300, by: ["target"]),
      above: 3, for: 60, "critical", "Connections to a database cannot be opened."),
    rule(
      "DatabaseUnavailable", selector("db_pool_available", .last, 60, by: ["target"]), below: 0.5, for: 60, "critical",
      "There is no connection to a database, and none can be opened."),
    rule(
      "SlowDatabaseQueries", selector("database_operation_duration_seconds", .quantile(0.95), 300, by: ["target"]),
      above: 0.5, for: 300, "warning", "One statement in twenty takes longer than 500 ms."),
    ratio(
      "FailingDatabaseStatements",
      selector("database_operations_total", .increase, 300, ["outcome": "!ok"], by: ["target"]),
      by: selector("database_operations_total", .increase, 300, by: ["target"]), above: 0.05, for: 300, "warning",
      "More than 5 % of the statements fail."),
    rule(
      "DatabasePoolSaturated", selector("db_pool_utilisation_ratio", .min, 120, by: ["target"]), above: 0.8, for: 180,
      "warning", "More than 80 % of a pool's connections are in use all the time."),
    rule(
      "DatabasePoolExhausted", selector("db_pool_timeouts_total", .increase, 300, by: ["target"]), above: 0, for: 0,
      "critical", "Somebody waited for a connection in vain."),
    rule(
      "DatabaseConnectionLeaks", selector("db_pool_leaks_total", .increase, 900, by: ["target"]), above: 0, for: 0,
      "warning", "Connections are not given back; the log says who took them."),
    rule(
      "RedisUnavailable", selector("redis_available", .last, 60, by: ["target"]), below: 0.5, for: 60, "critical",
      "There is no connection to Redis."),
    rule(
      "SlowRedisCommands",
      selector(
        "redis_operation_duration_seconds", .quantile(0.95), 300, ["operation": "read|write|pipeline"], by: ["target"]),
      above: 0.05, for: 300, "warning", "One command in twenty takes longer than 50 ms."),
  ]

  /// What is called outside.
  private static let services: [AlertRule] = [
    rule(
      "CircuitBreakerOpen", selector("circuit_breaker_state", .min, 60, by: ["service"]), above: 0, for: 60, "critical",
      "A service fails so much that it is not called: its circuit breaker is open.")
  ]

  private static func selector(
    _ metric: String, _ aggregation: Aggregation, _ window: Double, _ labels: [String: String] = [:],
    by groupBy: [String] = []
  ) -> MetricSelector {
    MetricSelector(
      metric: metric, labels: labels.mapValues { LabelPattern($0) }, aggregation: aggregation, window: window,
      groupBy: groupBy)
  }

  private static func rule(
    _ name: String, _ value: MetricSelector, above threshold: Double, for pending: Double, _ severity: String,
    _ summary: String
  ) -> AlertRule {
    var rule = AlertRule(name: name, value: value, threshold: threshold)
    rule.pendingFor = pending
    rule.severity = severity
    rule.summary = summary
    return rule
  }

  private static func rule(
    _ name: String, _ value: MetricSelector, below threshold: Double, for pending: Double, _ severity: String,
    _ summary: String
  ) -> AlertRule {
    var rule = rule(name, value, above: threshold, for: pending, severity, summary)
    rule.comparison = .below
    return rule
  }

  private static func ratio(
    _ name: String, _ value: MetricSelector, by divisor: MetricSelector, above threshold: Double, for pending: Double,
    _ severity: String, _ summary: String
  ) -> AlertRule {
    var rule = rule(name, value, above: threshold, for: pending, severity, summary)
    rule.dividedBy = divisor
    return rule
  }
}
