import MainstayHTTP
import MainstayInstruments
import MainstayKernel

/// `GET /metrics`
struct ScrapeRoute: Sendable {
  let collector: MetricsCollector
  let configuration: MetricsConfiguration

  var route: Route {
    let gzip = configuration.gzip
    return Route.get("/metrics", "Exports every metric.", access: RouteAccess(metrics: configuration.access)) {
      [collector] request, _ in
      let query = request.uri.queryParameters
      var format = Negotiation.format(accept: request.headers[.accept])
      if let asked = query.get("format") {
        guard let named = ExpositionFormat(rawValue: asked) else {
          let names = ExpositionFormat.allCases.map(\.rawValue).joined(separator: ", ")
          throw HTTPProblem(.badRequest, "There is no format of that name; there are: \(names).")
        }
        format = named
      }
      // Names of parameters reach us as they were sent, and most clients encode the brackets.
      let names = Set(["name[]", "name%5B%5D", "name%5b%5d"].flatMap { query.getAll($0) })
      let compresses = gzip > 0 && Negotiation.acceptsGzip(request.headers[.acceptEncoding])
      return ScrapeResponse(
        scrape: collector.scrape, format: format, names: names, gzipLevel: compresses ? gzip : nil
      ).response
    }
    .described(
      "The text format of Prometheus 0.0.4, OpenMetrics 1.0 with exemplars, JSON or CSV, as the Accept header or `format` asks."
    )
    .query("format", "prometheus, openmetrics, json or csv; without it, what the Accept header asks for.")
    .query("name[]", "Families to export; without it, all. May be given several times.")
    .responds(.ok, .string, contentType: "text/plain")
    .availableWhileDraining()
  }
}
