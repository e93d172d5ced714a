import MainstayHTTP
import MainstayInstruments
import MainstayKernel

extension MetricsRoutes {
  var alerts: [Route] {
    [
      .get("/metrics/alerts", "Tells the rules and the alerts there are.", access: readers) {
        [watch, clock] _, _ in .json(watch.json(at: clock.timeSinceEpoch.inSeconds))
      }
      .responds(.ok, .object(["alerts": .array(of: .any), "rules": .array(of: .any)])),
      .post("/metrics/alerts", "Sets a rule, or changes one that was set over HTTP.", access: writers) {
        [watch] request, context in
        let rule = try await context.decode(Strict<AlertRule>.self, from: request).value
        if let problem = rule.problems.first {
          throw HTTPProblem(.unprocessableContent, "The rule cannot be used: \(problem).")
        }
        try watch.change { state in
          if let other = state.rules[rule.name], other.origin != .http {
            throw HTTPProblem(.conflict, "A rule of that name stands in the manifest; change it there.")
          }
          guard state.rules[rule.name] != nil || state.rules.count < 2_000 else {
            throw HTTPProblem(.conflict, "There are 2000 rules already.")
          }
          state.rules[rule.name] = (rule, .http)
        }
        return try .json(rule, status: .created)
      }
      .described("Durations are seconds. The rule holds from the next evaluation on.")
      .accepts(.example(AlertRule.example))
      .responds(.created, .any).responds(.conflict, "The rule stands in the manifest."),
      .delete("/metrics/alerts/{name}", "Removes a rule that was set over HTTP.", access: writers) {
        [watch, clock] _, context in
        let name = try context.parameter("name")
        let now = clock.timeSinceEpoch.inSeconds
        try watch.changeAndTell { state in
          guard let (rule, origin) = state.rules[name] else {
            throw HTTPProblem(.notFound, "There is no rule of that name.")
          }
          guard origin == .http else {
            throw HTTPProblem(.conflict, "That rule does not come from HTTP; change the manifest.")
          }
          state.rules[name] = nil
          state.faults[name] = nil
          return state.engine.end(name, at: now).map { MetricsWatch.event($0, rule) }
        }
        return .noContent
      }
      .responds(.noContent, "Removed.").responds(.notFound, "There is no such rule."),
      .post("/metrics/alerts/{name}/acknowledge", "Says that somebody takes care of a rule's alerts.", access: writers)
      {
        [watch] _, context in
        let name = try context.parameter("name")
        let count = watch.change { $0.notifier.acknowledge(name, $0.engine) }
        guard count > 0 else { throw HTTPProblem(.notFound, "No alert of that rule fires.") }
        return .json(["acknowledged": .integer(Int64(count))])
      }
      .responds(.ok, .any).responds(.notFound, "No alert of that rule fires."),
    ]
  }

  var silences: [Route] {
    [
      .get("/metrics/silences", "Tells which alerts are silenced.", access: readers) { [watch] _, _ in
        try .json(["silences": watch.read { state, _ in state.notifier.silences.values.sorted { $0.id < $1.id } }])
      }
      .responds(.ok, .any),
      .post("/metrics/silences", "Silences alerts for a while.", access: writers) { [watch, clock] request, context in
        let input = try await context.decode(Strict<SilenceInput>.self, from: request).value
        let texts = input.labels.flatMap { [$0.key, $0.value.text] }
        guard !texts.isEmpty, texts.count <= 64, texts.allSatisfy({ $0.utf8.count <= 1_000 }), input.duration > 0,
          input.duration <= 30 * 86_400
        else {
          throw HTTPProblem(
            .unprocessableContent,
            "A silence names 1 to 32 labels, and lasts up to 30 days ('duration', in seconds).")
        }
        let silence = AlertNotifier.Silence(
          id: HTTPRequestID.random(), labels: input.labels,
          until: clock.timeSinceEpoch.inSeconds + input.duration,
          creator: context.identity?.subject ?? "unknown", comment: String((input.comment ?? "").prefix(500)))
        guard watch.change({ $0.notifier.silence(silence) }) else {
          throw HTTPProblem(.conflict, "There are too many silences; end some of them.")
        }
        return try .json(silence, status: .created)
      }
      .accepts(.object(["labels": .dictionary(of: .string), "duration": .number, "comment?": .string]))
      .responds(.created, .any),
      .delete("/metrics/silences/{id}", "Ends a silence.", access: writers) { [watch] _, context in
        let id = try context.parameter("id")
        guard watch.change({ $0.notifier.endSilence(id) }) else {
          throw HTTPProblem(.notFound, "There is no silence of that id.")
        }
        return .noContent
      }
      .responds(.noContent, "Ended.").responds(.notFound, "There is no such silence."),
    ]
  }
}

private struct SilenceInput: StrictInput {
  enum CodingKeys: CodingKey, CaseIterable { case labels, duration, comment }

  let labels: [String: LabelPattern]
  let duration: Double
  let comment: String?
}

extension MetricsWatch {
  /// Rules and alerts, as `GET /metrics/alerts` tells them.
  func json(at now: Double) -> JSONValue {
    read { state, settings in
      let alerts = state.engine.alerts.sorted {
        ($0.key.rule, $0.key.group.joined()) < ($1.key.rule, $1.key.group.joined())
      }
      return [
        "alerts": .array(
          alerts.map { key, alert in
            MetricsWatch.json(
              key, alert, muted: state.notifier.muted(alert, among: state.engine.alerts, settings, at: now),
              acknowledged: state.notifier.isAcknowledged(key))
          }),
        "rules": .array(
          state.rules.values.sorted { $0.rule.name < $1.rule.name }.map { rule, origin in
            MetricsWatch.json(
              rule, origin, fault: state.faults[rule.name], leftOut: state.engine.leftOut[rule.name] ?? 0)
          }),
      ]
    }
  }

  private static func json(
    _ key: AlertEngine.Key, _ alert: AlertEngine.Alert, muted: String?, acknowledged: Bool
  ) -> JSONValue {
    let (state, since): (String, Double) =
      switch alert.state {
      case .pending(let since): ("pending", since)
      case .firing(let since, _): ("firing", since)
      case .resolved(let at): ("resolved", at)
      }
    return .object(
      JSONObject([
        ("alert", .string(key.rule)), ("state", .string(state)), ("since", .number(since)),
        ("value", .finite(alert.value)),
        ("labels", .object(JSONObject(alert.labels.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))),
        ("flapping", .bool(alert.flapping.isFlapping)), ("acknowledged", .bool(acknowledged)),
        ("muted", muted.map { .string($0) } ?? .null),
      ]))
  }

  private static func json(_ rule: AlertRule, _ origin: Origin, fault: String?, leftOut: Int) -> JSONValue {
    .object(
      JSONObject([
        ("name", .string(rule.name)), ("origin", .string(origin.rawValue)), ("severity", .string(rule.severity)),
        ("metric", .string(rule.value.metric)), ("aggregation", .string(rule.value.aggregation.description)),
        ("comparison", .string(rule.comparison.rawValue)), ("threshold", .number(rule.threshold)),
        ("for", .number(rule.pendingFor)), ("summary", .string(rule.summary)),
        ("fault", fault.map { .string($0) } ?? .null), ("leftOut", .integer(Int64(leftOut))),
      ]))
  }
}
