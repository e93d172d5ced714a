import MainstayKernel

/// A dashboard of Grafana, with the data source as a variable and intervals that fit the zoom.
struct GrafanaDashboard: Sendable {
  /// One curve: PromQL in which `$__rate_interval` stands for the window, and what it is called.
  struct Curve: Sendable {
    let expression: String
    let legend: String
  }

  /// One panel.
  struct Panel: Sendable {
    let title: String
    /// Grafana's name of the unit: `reqps`, `s`, `bytes`, `percentunit`, `short`.
    let unit: String
    let curves: [Curve]
    /// Where a line is drawn: the threshold of an alert.
    var threshold: Double?
  }

  let uid: String
  let title: String
  let panels: [Panel]

  var json: JSONValue {
    let panels: [JSONValue] = panels.enumerated().map { GrafanaDashboard.json($1, at: $0) }
    let variables: [JSONValue] = [GrafanaDashboard.dataSource, GrafanaDashboard.instances]
    return [
      "uid": .string(uid), "title": .string(title), "tags": ["mainstay"], "schemaVersion": 38, "version": 1,
      "editable": true, "refresh": "30s", "time": ["from": "now-1h", "to": "now"], "timezone": "browser",
      "templating": ["list": .array(variables)], "panels": .array(panels),
    ]
  }

  private static let dataSource: JSONValue = [
    "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0,
    "refresh": 1, "current": [:], "includeAll": false, "multi": false, "options": [],
  ]

  private static let instances: JSONValue = [
    "name": "instance", "label": "Host", "type": "query", "datasource": source,
    "query": "label_values(host_ready, instance)",
    "definition": "label_values(host_ready, instance)", "hide": 0, "refresh": 2, "includeAll": true, "multi": true,
    "allValue": ".*", "current": ["text": "All", "value": "$__all"], "options": [],
  ]

  private static let source: JSONValue = ["type": "prometheus", "uid": "${datasource}"]

  private static func json(_ panel: Panel, at index: Int) -> JSONValue {
    let letters = Array("ABCDEFGHIJ")
    let targets = zip(letters, panel.curves).map { letter, curve -> JSONValue in
      [
        "refId": .string(String(letter)), "expr": .string(curve.expression), "legendFormat": .string(curve.legend),
        "datasource": source, "editorMode": "code", "range": true,
      ]
    }
    let position: JSONValue = [
      "x": .integer(Int64(index % 2) * 12), "y": .integer(Int64(index / 2) * 8), "w": 12, "h": 8,
    ]
    return [
      "id": .integer(Int64(index + 1)), "title": .string(panel.title), "type": "timeseries", "datasource": source,
      "gridPos": position, "targets": .array(targets), "fieldConfig": fields(panel),
      "options": ["legend": ["displayMode": "list"]],
    ]
  }

  private static func fields(_ panel: Panel) -> JSONValue {
    var steps: [JSONValue] = [["color": "green", "value": nil]]
    if let threshold = panel.threshold { steps.append(["color": "red", "value": .number(threshold)]) }
    let lines: JSONValue = ["mode": panel.threshold == nil ? "off" : "line"]
    let custom: JSONValue = ["fillOpacity": 10, "showPoints": "never", "thresholdsStyle": lines]
    let thresholds: JSONValue = ["mode": "absolute", "steps": .array(steps)]
    let defaults: JSONValue = ["unit": .string(panel.unit), "min": 0, "thresholds": thresholds, "custom": custom]
    return ["defaults": defaults, "overrides": []]
  }
}

extension GrafanaDashboard.Panel {
  /// The value of a rule, with a line at its threshold.
  init(_ rule: AlertRule, _ rules: PrometheusRules, unit: String) {
    var expression = GrafanaDashboard.Panel.zoomed(rule.value, rules)
    if let divisor = rule.dividedBy { expression += " / " + GrafanaDashboard.Panel.zoomed(divisor, rules) }
    let legend = (["instance"] + rule.value.groupBy).map { "{{\($0)}}" }.joined(separator: " ")
    self.init(
      title: rule.name, unit: unit, curves: [.init(expression: expression, legend: legend)], threshold: rule.threshold)
  }

  private static func zoomed(_ selector: MetricSelector, _ rules: PrometheusRules) -> String {
    selector.promQL(rules.kind(of: selector))
      .replacing("[\(PromQL.duration(selector.window))]", with: "[$__rate_interval]")
  }
}
