import MainstayHTTP
import MainstayInstruments
import MainstayKernel

extension MetricsRoutes {
  var queries: [Route] {
    [
      .post("/metrics/query", "Answers a question about the recent past.", access: readers) {
        [watch, clock] request, context in
        let input = try await context.decode(Strict<QueryInput>.self, from: request).value
        let query = try input.query(now: clock.timeSinceEpoch.inSeconds)
        return .json(try query.answer(from: watch))
      }
      .described(
        """
        `aggregation`: \(Aggregation.names). `labels`: what label values must be ('5*', 'GET|HEAD', '!5*'). `start` and `end` are \
        seconds since 1970, or below 0 seconds before now; without `step` the answer is one point, of the whole range or of `window`. \
        Durations are seconds. A point without samples is null.
        """
      )
      .accepts(
        .object([
          "metric": .string, "aggregation": .string, "labels?": .dictionary(of: .string), "window?": .number,
          "group_by?": .array(of: .string), "start?": .number, "end?": .number, "step?": .number,
        ])
      )
      .responds(.ok, .any),
      .post("/metrics/export", "Exports metrics in a format.", access: readers) {
        [collector, gzip = configuration.gzip] request, context in
        let input = try await context.decode(Strict<ExportInput>.self, from: request).value
        guard let format = ExpositionFormat(rawValue: input.format) else {
          let names = ExpositionFormat.allCases.map(\.rawValue).joined(separator: ", ")
          throw HTTPProblem(.unprocessableContent, "There is no format of that name; there are: \(names).")
        }
        let compresses = gzip > 0 && Negotiation.acceptsGzip(request.headers[.acceptEncoding])
        return ScrapeResponse(
          scrape: collector.scrape, format: format, names: Set(input.metrics ?? []), gzipLevel: compresses ? gzip : nil
        ).response
      }
      .accepts(
        .object(["format": .oneOf("prometheus", "openmetrics", "json", "csv"), "metrics?": .array(of: .string)])
      )
      .responds(.ok, .string, contentType: "text/plain"),
      .get("/metrics/statistics", "Tells how much is measured and kept.", access: readers) {
        [collector, watch] _, _ in .json(MetricsRoutes.statistics(collector, watch))
      }
      .responds(.ok, .any),
    ]
  }

  private static func statistics(_ collector: MetricsCollector, _ watch: MetricsWatch) -> JSONValue {
    let plugins = collector.diagnostics.map { owner, diagnostics in
      JSONValue.object(
        JSONObject([
          ("plugin", .string(owner)), ("families", .integer(Int64(diagnostics.families))),
          ("series", .integer(Int64(diagnostics.series))),
          ("rejectedObservations", JSONValue.count(diagnostics.rejectedObservations)),
          ("redactedLabelValues", JSONValue.count(diagnostics.redactedLabelValues)),
          (
            "overflow",
            .array(
              diagnostics.overflow.map {
                ["metric": .string($0.metric), "label": .string($0.label), "count": JSONValue.count($0.count)]
              })
          ),
        ]))
    }
    let history = watch.read { state, _ in
      JSONValue.object(
        JSONObject([
          ("series", .integer(Int64(state.store.count))), ("bytes", .integer(Int64(state.store.bytes))),
          ("budget", .integer(Int64(state.store.budget))), ("refusedSeries", .integer(Int64(state.store.refused))),
          ("alerts", .integer(Int64(state.engine.alerts.count))), ("rules", .integer(Int64(state.rules.count))),
        ]))
    }
    return ["plugins": .array(plugins), "history": history]
  }
}

extension JSONValue {
  static func count(_ value: UInt64) -> JSONValue { .integer(Int64(clamping: value)) }

  /// What is no number is null.
  static func finite(_ value: Double?) -> JSONValue { value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null }
}

private struct ExportInput: StrictInput {
  enum CodingKeys: CodingKey, CaseIterable { case format, metrics }

  let format: String
  let metrics: [String]?
}

private struct QueryInput: StrictInput {
  let metric: String
  let aggregation: String
  let labels: [String: String]?
  let window: Double?
  let groupBy: [String]?
  let start: Double?
  let end: Double?
  let step: Double?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case metric, aggregation, labels, window, start, end, step
    case groupBy = "group_by"
  }

  func query(now: Double) throws(HTTPProblem) -> MetricQuery {
    guard let how = Aggregation(aggregation) else {
      throw HTTPProblem(.unprocessableContent, "'aggregation' must be one of: \(Aggregation.names).")
    }
    func absolute(_ time: Double?, _ otherwise: Double) -> Double { time.map { $0 <= 0 ? now + $0 : $0 } ?? otherwise }
    let end = absolute(end, now)
    let start = absolute(start, end)
    let window = window ?? step ?? (start < end ? end - start : 300)
    let selector = MetricSelector(
      metric: metric, labels: (labels ?? [:]).mapValues { LabelPattern($0) }, aggregation: how, window: window,
      groupBy: groupBy ?? [])
    // Without a step one point, at the end. A start after it stays one: it is an error.
    let first = step == nil ? max(start, end) : start
    let query = MetricQuery(selector: selector, start: first, end: end, step: step ?? 1)
    if let problem = query.problem { throw HTTPProblem(.unprocessableContent, problem) }
    return query
  }
}

/// A question with a range of times.
struct MetricQuery: Sendable {
  let selector: MetricSelector
  let start: Double
  let end: Double
  let step: Double

  static let mostPoints = 2_000
  static let mostGroups = 1_000
  /// Points of all groups together.
  static let mostNumbers = 200_000
  /// Shorter steps are lost in the precision of times.
  static let shortestStep = 0.001
  /// Numbers looked at for one answer: some tenths of a second.
  static let mostWork = 5e7

  /// What is wrong with it, or nil.
  var problem: String? {
    guard [start, end, step, selector.window].allSatisfy({ $0.isFinite && $0.magnitude < 1e11 }) else {
      return "Times must be seconds since 1970, or seconds before now."
    }
    if step < MetricQuery.shortestStep { return "'step' must be at least \(MetricQuery.shortestStep) seconds." }
    if selector.window <= 0 { return "'window' must be above 0 seconds." }
    if start > end { return "'start' must not be after 'end'." }
    if (end - start) / step > Double(MetricQuery.mostPoints) {
      return "The range has more than \(MetricQuery.mostPoints) points: ask for a longer step or a shorter range."
    }
    return selector.problem.map { "The question cannot be answered: \($0)." }
  }

  func answer(from watch: MetricsWatch) throws(HTTPProblem) -> JSONValue {
    // The samples are copied by reference: nothing waits while the answer is made.
    let store = watch.read { state, _ in state.store }
    guard store.descriptor(of: selector.family) != nil else {
      throw HTTPProblem(
        .notFound,
        "No samples of that metric are kept; name it under plugins.metrics.history.watch, or look for its spelling.")
    }
    guard store.work(selector) * ((end - start) / step + 1) <= MetricQuery.mostWork else {
      throw HTTPProblem(
        .unprocessableContent, "That is too much to look at: ask for fewer points, a shorter window, or another metric."
      )
    }
    var groups: [[String]: [(Double, Double)]] = [:]
    // Counted, not added up: a step may be too small to change a time.
    let times = (0...Int((end - start) / step + 1e-9)).map { start + Double($0) * step }
    for time in times {
      do {
        for (group, value) in try store.evaluate(selector, at: time) {
          groups[group, default: []].append((time, value))
        }
      } catch {
        throw HTTPProblem(.unprocessableContent, error.description)
      }
      guard groups.count <= MetricQuery.mostGroups, groups.count * times.count <= MetricQuery.mostNumbers else {
        throw HTTPProblem(
          .unprocessableContent,
          """
          More than \(MetricQuery.mostGroups) groups, or \(MetricQuery.mostNumbers) points: group by fewer labels, or ask for \
          fewer series or points.
          """)
      }
    }
    return json(groups, times)
  }

  private func json(_ groups: [[String]: [(Double, Double)]], _ times: [Double]) -> JSONValue {
    let series = groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { group, points -> JSONValue in
      let values = Dictionary(points) { first, _ in first }
      let labels = JSONObject(zip(selector.groupBy, group).map { ($0, .string($1)) })
      return [
        "labels": .object(labels),
        "points": .array(times.map { .array([.number($0), .finite(values[$0])]) }),
      ]
    }
    return [
      "metric": .string(selector.metric), "aggregation": .string(selector.aggregation.description),
      "window": .number(selector.window), "series": .array(series),
    ]
  }
}
