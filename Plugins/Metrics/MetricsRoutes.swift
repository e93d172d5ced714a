import MainstayHTTP
import MainstayInstruments
import MainstayKernel

/// The routes of the plugin.
struct MetricsRoutes: Sendable {
  let collector: MetricsCollector
  let named: NamedMetrics
  let watch: MetricsWatch
  let configuration: MetricsConfiguration
  let clock: any HostClock

  var all: Routes {
    let scrape = ScrapeRoute(collector: collector, configuration: configuration).route
    let routes = [scrape] + definitions + queries + recording + alerts + silences + objectives
    return Routes(routes.map { $0.tagged("metrics") })
  }

  var readers: RouteAccess { RouteAccess(metrics: configuration.access) }
  var writers: RouteAccess { RouteAccess(metrics: configuration.writeAccess) }

  /// Seconds since 1970.
  var now: Double { clock.timeSinceEpoch.inSeconds }
}

extension MetricsRoutes {
  private var definitions: [Route] {
    [
      .get("/metrics/definitions", "Tells every metric.", access: readers) { [collector] _, _ in
        .json(["metrics": .array(collector.scrape.definitions.map { MetricsRoutes.json($0.owner, $0.descriptor) })])
      }
      .responds(.ok, .object(["metrics": .array(of: .any)])),
      .post("/metrics/definitions", "Defines a metric that is recorded by name.", access: writers) {
        [named, collector] request, context in
        let definition = try await context.decode(Strict<DefinitionInput>.self, from: request).value.definition
        guard definition.help.utf8.count <= 1_000 else {
          throw HTTPProblem(.unprocessableContent, "'help' may have 1000 bytes at most.")
        }
        guard !collector.isTaken(NamedMetrics.base(definition.name), butBy: named.registry) else {
          throw HTTPProblem(.conflict, "A plugin exports a metric of that name; choose another one.")
        }
        guard named.definitions.count < 500 || named.definitions.contains(where: { $0.name == definition.name }) else {
          throw HTTPProblem(.conflict, "500 metrics are defined; there is no room for more.")
        }
        do throws(MetricsError) {
          try named.define(definition)
        } catch {
          throw MetricsRoutes.problem(error)
        }
        return try .json(definition, status: .created)
      }
      .accepts(
        .object([
          "name": .string, "type": .oneOf("counter", "up_down", "gauge", "histogram", "timer", "summary"),
          "help?": .string, "labels?": .array(of: .string), "buckets?": .array(of: .number),
        ])
      )
      .responds(.created, .any)
      .responds(.conflict, "The name is taken by another metric."),
    ]
  }

  private var recording: [Route] {
    [
      .post("/metrics/business", "Records a business metric.", access: writers) { [named] request, context in
        let input = try await context.decode(Strict<BusinessInput>.self, from: request).value
        return try MetricsRoutes.recorded { () throws(MetricsError) in
          try named.recordBusiness(input.name, value: input.value ?? 1, context: input.context?.texts ?? [:])
        }
      }
      .described(
        "Only the keys of `context` that the metric's definition declares become labels; the rest is left out."
      )
      .accepts(.object(["name": .string, "value?": .number, "context?": .dictionary(of: .any)]))
      .responds(.accepted, .any).responds(.notFound, "No metric of that name is defined."),
      .post("/metrics/performance", "Records how long an operation took.", access: writers) {
        [named] request, context in
        let input = try await context.decode(Strict<PerformanceInput>.self, from: request).value
        guard let seconds = input.seconds, seconds >= 0, seconds < 1e9 else {
          throw HTTPProblem(
            .unprocessableContent,
            "Say how long: 'duration_ms' or 'duration_seconds', not below 0 and below 1,000,000,000 s.")
        }
        return try MetricsRoutes.recorded { () throws(MetricsError) in
          try named.recordPerformance(
            input.name, duration: .seconds(seconds), context: input.context?.texts ?? [:])
        }
      }
      .accepts(
        .object([
          "name": .string, "duration_ms?": .number, "duration_seconds?": .number, "context?": .dictionary(of: .any),
        ])
      )
      .responds(.accepted, .any),
      .post("/metrics/healthcare", "Records a metric of a facility and a department.", access: writers) {
        [named] request, context in
        let input = try await context.decode(Strict<HealthcareInput>.self, from: request).value
        guard input.anonymized == true else {
          throw HTTPProblem(
            .unprocessableContent, "Only what is anonymised may be recorded: say 'anonymized': true when it is.")
        }
        return try MetricsRoutes.recorded { () throws(MetricsError) in
          try named.recordHealthcare(
            input.name, value: input.value ?? 1, facility: input.facility ?? "", department: input.department ?? "",
            context: input.context?.texts ?? [:])
        }
      }
      .accepts(
        .object([
          "name": .string, "value?": .number, "facility?": .string, "department?": .string, "anonymized": .boolean,
          "context?": .dictionary(of: .any),
        ])
      )
      .responds(.accepted, .any).responds(.notFound, "No metric of that name is defined."),
    ]
  }

  static func recorded(_ body: () throws(MetricsError) -> Void) throws -> Response {
    do throws(MetricsError) {
      try body()
    } catch {
      throw problem(error)
    }
    return .json(["recorded": true] as JSONValue, status: .accepted)
  }

  static func problem(_ error: MetricsError) -> HTTPProblem {
    switch error.code {
    case .undefined: HTTPProblem(.notFound, error.message)
    case .conflict: HTTPProblem(.conflict, error.message)
    case .invalidName, .tooMany, .invalidOptions: HTTPProblem(.unprocessableContent, error.message)
    }
  }

  static func json(_ owner: String, _ descriptor: MetricDescriptor) -> JSONValue {
    var object: [(String, JSONValue)] = [
      ("name", .string(descriptor.sampleName)), ("type", .string(descriptor.kind.rawValue)),
      ("help", .string(descriptor.help)), ("labels", .array(descriptor.labels.map { .string($0.name) })),
      ("plugin", .string(owner)),
    ]
    if let unit = descriptor.unit { object.append(("unit", .string(unit))) }
    return .object(JSONObject(object))
  }
}

private struct DefinitionInput: StrictInput {
  enum CodingKeys: CodingKey, CaseIterable { case name, type, help, labels, buckets }

  static let choices = ["type": MetricDefinition.Kind.allCases.map(\.rawValue).joined(separator: ", ")]

  let name: String
  let type: MetricDefinition.Kind
  let help: String?
  let labels: [String]?
  let buckets: [Double]?

  var definition: MetricDefinition {
    MetricDefinition(name, type, help ?? "", labels ?? [], buckets: buckets ?? [])
  }
}

private struct BusinessInput: StrictInput {
  enum CodingKeys: CodingKey, CaseIterable { case name, value, context }

  let name: String
  let value: Double?
  let context: ContextInput?
}

private struct PerformanceInput: StrictInput {
  let name: String
  let durationMilliseconds: Double?
  let durationSeconds: Double?
  let context: ContextInput?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, context
    case durationMilliseconds = "duration_ms"
    case durationSeconds = "duration_seconds"
  }

  var seconds: Double? { durationSeconds ?? durationMilliseconds.map { $0 / 1_000 } }
}

private struct HealthcareInput: StrictInput {
  enum CodingKeys: CodingKey, CaseIterable { case name, value, facility, department, anonymized, context }

  let name: String
  let value: Double?
  let facility: String?
  let department: String?
  let anonymized: Bool?
  let context: ContextInput?
}

/// A context: any JSON object, of which texts, numbers and Booleans can be labels.
private struct ContextInput: Decodable {
  let texts: [String: String]

  private struct Scalar: Decodable {
    let text: String?

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        text = flag ? "true" : "false"
      } else if let number = try? container.decode(Double.self) {
        text = Aggregation.number(number)
      } else {
        do {
          text = try container.decode(String.self)
        } catch DecodingError.typeMismatch {
          text = nil
        } catch DecodingError.valueNotFound {
          text = nil
        }
      }
    }
  }

  init(from decoder: any Decoder) throws {
    texts = try decoder.singleValueContainer().decode([String: Scalar].self).compactMapValues(\.text)
  }
}
