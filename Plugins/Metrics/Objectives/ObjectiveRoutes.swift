import MainstayHTTP
import MainstayInstruments
import MainstayKernel

extension MetricsRoutes {
  var objectives: [Route] {
    [
      .get("/metrics/slo", "Tells how the service level objectives are kept.", access: readers) {
        [watch, clock, objectives = configuration.objectives] _, _ in
        let store = watch.read { state, _ in state.store }
        let now = clock.timeSinceEpoch.inSeconds
        return .json(["objectives": .array(objectives.map { $0.json(store, at: now) })] as JSONValue)
      }
      .described(
        """
        `achieved` is the share of good events as far back as samples are kept (`window`, in seconds), `budgetRemaining` what is left \
        of the share that may be bad, `burnRate` how fast it goes: at 1 it lasts exactly as long as the objective's period. \
        `fault` says why an objective cannot be told.
        """
      )
      .responds(.ok, .object(["objectives": .array(of: .any)])),
      .get("/metrics/rules", "Tells the alert rules as Prometheus rules.", access: readers) {
        [watch, collector] _, _ in
        let rules = watch.read { state, _ in state.rules.values.map(\.rule).sorted { $0.name < $1.name } }
        let kinds = Dictionary(collector.scrape.definitions.map { ($0.descriptor.familyName, $0.descriptor.kind) }) {
          first, _ in first
        }
        return .text(PrometheusRules(rules: rules, kinds: kinds).yaml, contentType: "application/yaml")
      }
      .responds(.ok, .string, contentType: "application/yaml"),
    ]
  }
}
