import MainstayInstruments
import MainstayKernel

/// The files of `deploy/prometheus` and `deploy/grafana`, by their paths below `deploy`.
enum Deployment {
  static var files: [String: String] {
    var files = [
      "prometheus/rules.yml": generated + rules.yaml,
      "prometheus/rules_test.yml": generated + PromtoolTests(rules: rules, file: "rules.yml").yaml,
      "prometheus/recording.yml": generated + recording,
    ]
    for dashboard in StandardDashboards.all {
      files["grafana/dashboards/\(dashboard.uid).json"] = dashboard.json.pretty + "\n"
    }
    return files
  }

  private static let generated = "# Written by MetricsTests; see deploy/README.md.\n"

  static let rules = PrometheusRules(
    rules: StandardRules.all + ObjectiveConfiguration.standard.flatMap(\.burnRateRules),
    kinds: ["http_request_duration_seconds": .histogram],
    outside: [
      .init(
        name: "HostDown", expression: "up{job=\"mainstay\"} == 0", pendingFor: 120, severity: "critical",
        summary: "A host does not answer.",
        example: .init(
          fires: ["up{instance=\"a\",job=\"mainstay\"}": "0x60", "up{instance=\"b\",job=\"mainstay\"}": "1x60"],
          calm: ["up{instance=\"a\",job=\"mainstay\"}": "1x60"], labels: ["instance": "a", "job": "mainstay"])),
      // Added up and not counted: of hosts that are all gone there is nothing to count.
      .init(
        name: "LowReplicaCount", expression: "sum by (job) (up{job=\"mainstay\"}) < 2", pendingFor: 300,
        severity: "warning", summary: "Fewer than two hosts answer.",
        example: .init(
          fires: ["up{instance=\"a\",job=\"mainstay\"}": "0x60", "up{instance=\"b\",job=\"mainstay\"}": "0x60"],
          calm: ["up{instance=\"a\",job=\"mainstay\"}": "1x60", "up{instance=\"b\",job=\"mainstay\"}": "1x60"],
          labels: ["job": "mainstay"])),
      .init(
        name: "HighPodRestartRate",
        expression: "increase(kube_pod_container_status_restarts_total{container=\"mainstay\"}[1h]) > 3",
        pendingFor: 0, severity: "warning", summary: "A pod restarts again and again.",
        example: .init(
          fires: ["kube_pod_container_status_restarts_total{container=\"mainstay\",pod=\"a\"}": "0+1x60"],
          calm: ["kube_pod_container_status_restarts_total{container=\"mainstay\",pod=\"a\"}": "7x60"],
          labels: ["container": "mainstay", "pod": "a"])),
    ])

  /// What dashboards and people ask for most, evaluated once.
  private static let recording = """
    groups:
      - name: mainstay-recording
        rules:
          - record: job_route:http_requests:rate5m
            expr: sum by (job, route) (rate(http_requests_total[5m]))
          - record: job:http_errors:ratio5m
            expr: sum by (job) (rate(http_requests_total{status=~"5.*"}[5m])) / sum by (job) (rate(http_requests_total[5m]))
          - record: job_route:http_request_duration_seconds:p95_5m
            expr: histogram_quantile(0.95, sum by (job, route, le) (rate(http_request_duration_seconds_bucket[5m])))
          - record: job_target:database_operation_duration_seconds:p95_5m
            expr: histogram_quantile(0.95, sum by (job, target, le) (rate(database_operation_duration_seconds_bucket[5m])))
          - record: job_target:database_operations:rate5m
            expr: sum by (job, target, operation) (rate(database_operations_total[5m]))
          - record: instance:process_cpu:ratio5m
            expr: rate(process_cpu_seconds_total[5m]) / machine_processors

    """
}
