/// The dashboards that come with the house; `deploy/grafana` holds them as files.
enum StandardDashboards {
  static let all = [system, application, business, healthcare, infrastructure, data]

  private typealias Panel = GrafanaDashboard.Panel
  private typealias Curve = GrafanaDashboard.Curve

  private static let rules = PrometheusRules(rules: StandardRules.all, kinds: [:])
  private static let host = "instance=~\"$instance\""

  private static func panel(_ title: String, _ unit: String, _ curves: (String, String)...) -> Panel {
    Panel(title: title, unit: unit, curves: curves.map { Curve(expression: $0.0, legend: $0.1) })
  }

  private static func alert(_ name: String, _ unit: String) -> [Panel] {
    StandardRules.all.filter { $0.name == name }.map { Panel($0, rules, unit: unit) }
  }

  private static let system = GrafanaDashboard(
    uid: "mainstay-system", title: "Mainstay: system",
    panels: [
      panel("Hosts ready", "short", ("host_ready{\(host)}", "{{instance}}")),
      panel("Uptime", "s", ("host_uptime_seconds{\(host)}", "{{instance}}")),
      panel("Processor", "short", ("rate(process_cpu_seconds_total{\(host)}[$__rate_interval])", "{{instance}}")),
      panel("Memory", "bytes", ("process_resident_memory_bytes{\(host)}", "{{instance}}")),
      panel("Descriptors", "short", ("process_open_fds{\(host)}", "{{instance}}")),
      panel("Threads", "short", ("process_threads{\(host)}", "{{instance}}")),
      panel("Load", "short", ("machine_load1{\(host)}", "{{instance}}")),
    ] + alert("HighEventLoopLag", "s") + alert("HighTaskPoolLag", "s"))

  private static let application = GrafanaDashboard(
    uid: "mainstay-application", title: "Mainstay: application",
    panels: [
      panel(
        "Requests by route", "reqps",
        ("sum by (route) (rate(http_requests_total{\(host)}[$__rate_interval]))", "{{route}}")),
      panel(
        "Requests by status", "reqps",
        ("sum by (status) (rate(http_requests_total{\(host)}[$__rate_interval]))", "{{status}}")),
    ] + alert("HighErrorRate", "percentunit") + alert("HighLatency", "s") + [
      panel(
        "Duration", "s",
        (quantile("0.5", "http_request_duration_seconds"), "p50"),
        (quantile("0.95", "http_request_duration_seconds"), "p95"),
        (quantile("0.99", "http_request_duration_seconds"), "p99")),
      panel(
        "In flight", "short", ("http_requests_in_flight{\(host)}", "requests {{instance}}"),
        ("http_active_connections{\(host)}", "connections {{instance}}")),
      panel(
        "Refused", "reqps", ("sum(rate(rate_limit_hits_total{\(host)}[$__rate_interval]))", "rate limit"),
        ("sum(rate(auth_failures_total{\(host)}[$__rate_interval]))", "credentials")),
      panel(
        "Operations", "s", (quantile("0.95", "operation_duration_seconds", by: "operation"), "p95 {{operation}}")),
    ])

  private static let business = GrafanaDashboard(
    uid: "mainstay-business", title: "Mainstay: business",
    panels: [
      panel("Revenue", "short", ("sum by (currency) (increase(revenue_total{\(host)}[1h]))", "{{currency}} an hour")),
      panel("Accounts opened", "short", ("sum by (source) (increase(user_signups_total{\(host)}[1h]))", "{{source}}")),
      panel("Invoices", "short", ("sum by (status) (increase(invoice_status_total{\(host)}[1h]))", "{{status}}")),
    ])

  private static let healthcare = GrafanaDashboard(
    uid: "mainstay-healthcare", title: "Mainstay: healthcare compliance",
    panels: [
      panel(
        "Appointments", "short",
        ("sum by (facility, status) (patient_appointments{\(host)})", "{{facility}} {{status}}")),
      panel(
        "Waiting", "s", (quantile("0.95", "appointment_wait_time", by: "facility"), "p95 {{facility}}")),
      panel(
        "Personal data kept out of labels", "short",
        ("sum by (plugin) (increase(metrics_refused_total{\(host),reason=\"personal_label_value\"}[1h]))", "{{plugin}}")
      ),
      panel(
        "Failed authentications", "short",
        ("sum by (reason) (increase(auth_failures_total{\(host)}[1h]))", "{{reason}}")),
      panel(
        "Requests refused", "short",
        ("sum by (status) (increase(http_requests_total{\(host),status=~\"401|403|429\"}[1h]))", "{{status}}")),
      panel(
        "Statements that fail", "short",
        (
          "sum by (target, outcome) (increase(database_operations_total{\(host),outcome!=\"ok\"}[1h]))",
          "{{target}} {{outcome}}"
        )),
    ] + alert("HealthCheckFailing", "short"))

  private static let infrastructure = GrafanaDashboard(
    uid: "mainstay-infrastructure", title: "Mainstay: infrastructure",
    panels: [
      panel("Plugins", "short", ("sum by (state) (plugin_state{\(host)})", "{{state}}")),
      panel("Start of plugins", "s", ("plugin_start_duration_seconds{\(host)}", "{{plugin}}")),
      panel("Restarts", "short", ("sum by (plugin) (increase(plugin_restarts_total{\(host)}[1h]))", "{{plugin}}")),
      panel(
        "Events", "short", ("sum by (topic) (rate(event_bus_published_total{\(host)}[$__rate_interval]))", "{{topic}}")),
      panel(
        "Events lost", "short", ("sum(increase(event_bus_dropped_total{\(host)}[5m]))", "dropped"),
        ("sum(increase(event_bus_failed_total{\(host)}[5m]))", "failed")),
      panel("Series", "short", ("sum by (plugin) (metrics_series{\(host)})", "{{plugin}}")),
      panel(
        "Labels with too many values", "short",
        ("sum by (metric, label) (increase(metrics_label_overflow_total{\(host)}[1h]))", "{{metric}} {{label}}")),
      panel("Alerts", "short", ("sum by (alert) (metrics_alerts{\(host),state=\"firing\"})", "{{alert}}")),
      panel("Health checks", "short", ("health_check_status{\(host)}", "{{plugin}}.{{check}}")),
    ] + alert("CircuitBreakerOpen", "short") + [
      panel(
        "Retries", "short",
        ("sum by (service) (increase(retry_attempts_total{\(host)}[$__rate_interval]))", "{{service}}"),
        ("sum by (service) (increase(retry_failures_total{\(host)}[$__rate_interval]))", "{{service}} failed"))
    ])

  private static let data = GrafanaDashboard(
    uid: "mainstay-data", title: "Mainstay: databases and Redis",
    panels: [
      panel(
        "Statements", "ops",
        (
          "sum by (target, operation) (rate(database_operations_total{\(host)}[$__rate_interval]))",
          "{{target}} {{operation}}"
        ))
    ] + alert("SlowDatabaseQueries", "s") + alert("FailingDatabaseStatements", "percentunit") + [
      panel(
        "Connections", "short", ("database_connections_active{\(host)}", "{{target}} in use"),
        ("db_pool_size_idle{\(host)}", "{{target}} idle"), ("db_pool_size_total{\(host)}", "{{target}} open"),
        ("db_pool_limit{\(host)}", "{{target}} allowed"))
    ] + alert("DatabasePoolSaturated", "percentunit") + [
      panel("Callers that wait", "short", ("db_pool_waiting{\(host)}", "{{target}}")),
      panel(
        "Wait for a connection", "s",
        (quantile("0.95", "db_pool_acquire_duration_seconds", by: "target"), "p95 {{target}}")),
      panel(
        "Refused", "short", ("sum by (target) (increase(db_pool_timeouts_total{\(host)}[5m]))", "{{target}} in vain"),
        ("sum by (target) (increase(db_pool_refused_total{\(host)}[5m]))", "{{target}} refused"),
        ("sum by (target) (increase(db_pool_exhausted_total{\(host)}[5m]))", "{{target}} exhausted"),
        ("sum by (target) (increase(db_pool_leaks_total{\(host)}[5m]))", "{{target}} leaks")),
      panel(
        "Connections opened and closed", "short",
        ("sum by (target) (increase(db_pool_connections_opened_total{\(host)}[5m]))", "{{target}} opened"),
        (
          "sum by (target, reason) (increase(db_pool_connections_closed_total{\(host)}[5m]))",
          "{{target}} closed: {{reason}}"
        )),
    ] + alert("DatabaseConnectionErrors", "short") + [
      panel(
        "Redis commands", "ops",
        (
          "sum by (operation, outcome) (rate(redis_operations_total{\(host)}[$__rate_interval]))",
          "{{operation}} {{outcome}}"
        ))
    ] + alert("SlowRedisCommands", "s") + [
      panel("Redis connections", "short", ("redis_connections{\(host)}", "{{kind}}")),
      panel("Found in the cache", "percentunit", ("cache_hit_rate{\(host)}", "{{cache}}")),
    ])

  private static func quantile(_ share: String, _ metric: String, by group: String? = nil) -> String {
    let groups = (["le"] + (group.map { [$0] } ?? [])).joined(separator: ", ")
    return "histogram_quantile(\(share), sum by (\(groups)) (rate(\(metric)_bucket{\(host)}[$__rate_interval])))"
  }
}
