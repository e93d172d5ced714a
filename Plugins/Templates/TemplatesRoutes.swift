import HTTPTypes
import MainstayCapabilities
import MainstayHTTP
import MainstayKernel
import MainstayTemplating

/// The routes of the plugin. A slash in the name of a template is written as a colon: `mail:welcome`.
struct TemplatesRoutes: Sendable {
  let service: TemplateService
  let access: RouteAccess
  let renderAccess: RouteAccess

  /// The largest data of one request.
  private static let bodyLimit = 4 << 20

  var routes: Routes {
    Routes(
      [list, metrics, cacheStatistics, clearCache, show, preview, render, email, document].map {
        $0.tagged("templates")
      })
  }

  // MARK: Reading

  private var list: Route {
    Route.get("/templates", "Lists the templates, and the files with errors.", access: access) { [service] _, _ in
      let generation = service.library.generation
      let faults = generation.faults.map { fault -> JSONValue in
        ["path": .string(fault.path), "message": .string(fault.message), "usesLastGood": .bool(fault.usesLastGood)]
      }
      return .json(
        [
          "generation": .integer(Int64(generation.number)),
          "templates": .array(generation.names.map { Self.summary($0, generation) }), "errors": .array(faults),
          "pdf": service.pdf.programName.map { .string($0) } ?? .null,
        ] as JSONValue)
    }
    .responds(.ok, Self.listSchema)
  }

  private var show: Route {
    Route.get("/templates/{name}", "Describes a template.", access: access) { [service] _, context in
      let name = try Self.name(context)
      let generation = service.library.generation
      guard generation.variants[name] != nil else {
        if let message = generation.unusable[name] { throw HTTPProblem(.unprocessableContent, message) }
        throw HTTPProblem(.notFound, "There is no template '\(name)'.")
      }
      return .json(Self.summary(name, generation))
    }
    .responds(.ok, Self.templateSchema)
    .responds(.notFound, "There is no such template.")
    .responds(.unprocessableContent, "The template has an error and cannot be rendered.")
  }

  private var preview: Route {
    Route.get("/templates/{name}/preview", "Renders a template with its sample data.", access: access) {
      [service] request, context in
      let name = try Self.name(context)
      return try await Self.answering {
        let query = request.uri.queryParameters
        let data = try service.sample(of: name)
        let result = try await service.preview(
          TemplateRequest(name, data: data, locale: query.get("locale"), format: query.get("format")))
        return .text(result.content, contentType: result.contentType, headers: Self.pageHeaders)
      }
    }
    .query("locale", "The language wanted.")
    .query("format", "html, text, markdown or csv.")
    .responds(.ok, .string, contentType: "text/html")
  }

  private var metrics: Route {
    Route.get("/templates/metrics", "Tells how often and how fast templates were rendered.", access: access) {
      [service] _, _ in
      let snapshot = service.statistics.snapshot
      let templates = snapshot.templates.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) }
      return .json(
        [
          "total": JSONValue(snapshot.total), "failures": .integer(Int64(snapshot.failures)),
          "templates": .object(JSONObject(templates)),
        ] as JSONValue)
    }
    .responds(
      .ok, .object(["total": Self.entrySchema, "failures": .integer, "templates": .dictionary(of: Self.entrySchema)]))
  }

  private var cacheStatistics: Route {
    Route.get("/templates/cache/stats", "Tells what the cache holds and does.", access: access) { [service] _, _ in
      .json(Self.statistics(service.cache))
    }
    .responds(.ok, .object(["entries": .integer, "bytes": .integer, "hits": .integer, "misses": .integer]))
  }

  // MARK: Rendering

  private var clearCache: Route {
    Route.delete("/templates/cache", "Empties the cache.", access: renderAccess) { [service] _, _ in
      .json(["removed": .integer(Int64(service.cache.clear()))] as JSONValue)
    }
    .responds(.ok, .object(["removed": .integer]))
  }

  private var render: Route {
    Route.post("/templates/{name}/render", "Renders a template.", access: renderAccess) { [service] request, context in
      let body = try RenderBody(await context.decode(JSONValue.self, from: request))
      let name = try Self.name(context)
      return try await Self.answering { try .json(await service.render(body.request(name))) }
    }
    .accepts(Self.bodySchema).limited(body: Self.bodyLimit)
    .responds(.ok, .object(["name": .string, "content": .string, "contentType": .string]))
    .responds(.notFound, "There is no such template.")
    .responds(.unprocessableContent, "The data is not what the template requires, or the template stopped on an error.")
  }

  private var email: Route {
    Route.post("/templates/{name}/render-email", "Renders a template as mail.", access: renderAccess) {
      [service] request, context in
      let body = try RenderBody(await context.decode(JSONValue.self, from: request))
      let name = try Self.name(context)
      return try await Self.answering { try .json(await service.renderEmail(body.request(name))) }
    }
    .accepts(Self.bodySchema).limited(body: Self.bodyLimit)
    .responds(.ok, .object(["subject": .string, "html?": .string, "text": .string, "preheader?": .string]))
  }

  private var document: Route {
    Route.post("/templates/{name}/render-document", "Renders a template as a document.", access: renderAccess) {
      [service] request, context in
      let body = try RenderBody(await context.decode(JSONValue.self, from: request))
      let name = try Self.name(context)
      guard let format = DocumentFormat(rawValue: body.format ?? "html") else {
        throw HTTPProblem(.unprocessableContent, "A document is html, text, markdown or pdf.")
      }
      return try await Self.answering {
        let document = try await service.renderDocument(body.request(name), as: format)
        var headers = Self.pageHeaders
        headers[.contentDisposition] = "attachment; filename=\"\(Self.safe(document.fileName))\""
        return .bytes(ByteBuffer(bytes: document.content), contentType: document.contentType, headers: headers)
      }
    }
    .accepts(Self.bodySchema).limited(body: Self.bodyLimit, timeout: .seconds(120))
    .responds(.ok, .string, contentType: "application/pdf")
    .responds(.notImplemented, "The machine has no program that makes PDF.")
  }

  // MARK: Parts

  private static func name(_ context: MainstayRequestContext) throws(HTTPProblem) -> String {
    String(try context.parameter("name").map { $0 == ":" ? "/" : $0 })
  }

  /// Rendered pages run no scripts and load nothing when they are looked at where they come from.
  private static let pageHeaders: HTTPFields = [
    .contentSecurityPolicy: "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    .xContentTypeOptions: "nosniff", .cacheControl: "no-store",
  ]

  private static func safe(_ name: String) -> String {
    String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" })
  }

  private static func answering(_ body: () async throws -> Response) async throws -> Response {
    do {
      return try await body()
    } catch let failure as TemplateFailure {
      throw HTTPProblem(failure.status, failure.message)
    }
  }

  private static func summary(_ name: String, _ generation: TemplateGeneration) -> JSONValue {
    let variants = (generation.variants[name] ?? []).map { variant -> JSONValue in
      let requires = variant.matter.requires.map {
        ($0.path + ($0.isOptional ? "?" : ""), JSONValue.string($0.kind.rawValue))
      }
      return [
        "path": .string(variant.file.path), "engine": .string(variant.file.dialect.rawValue),
        "format": .string(variant.file.format.rawValue), "locale": variant.file.locale.map { .string($0) } ?? .null,
        "version": .integer(Int64(TemplateService.version(of: variant))), "isMail": .bool(variant.subject != nil),
        "description": variant.matter.description.map { .string($0) } ?? .null,
        "requires": .object(JSONObject(requires)), "partials": .array(variant.template.partials.map { .string($0) }),
        "helpers": .array(variant.template.helpers.map { .string($0) }),
      ]
    }
    return ["name": .string(name), "variants": .array(variants)]
  }

  private static func statistics(_ cache: RenderCache) -> JSONValue {
    let statistics = cache.statistics
    let lookups = statistics.hits + statistics.misses
    return [
      "entries": .integer(Int64(statistics.entries)), "capacity": .integer(Int64(cache.capacity)),
      "bytes": .integer(Int64(statistics.bytes)), "capacityBytes": .integer(Int64(cache.mostBytes)),
      "ttlSeconds": .number(cache.timeToLive / .seconds(1)), "hits": .integer(Int64(statistics.hits)),
      "misses": .integer(Int64(statistics.misses)), "expired": .integer(Int64(statistics.expired)),
      "evicted": .integer(Int64(statistics.evicted)), "refused": .integer(Int64(statistics.refused)),
      "hitRate": lookups == 0 ? .null : .number(Double(statistics.hits) / Double(lookups)),
    ]
  }

  private static let templateSchema = HTTPSchema.object([
    "name": .string, "variants": .array(of: .object(["path": .string])),
  ])
  private static let listSchema = HTTPSchema.object([
    "generation": .integer, "templates": .array(of: templateSchema),
    "errors": .array(of: .object(["path": .string, "message": .string])),
  ])
  private static let entrySchema = HTTPSchema.object([
    "count": .integer, "bytes": .integer, "seconds": .number, "slowestSeconds": .number,
  ])
  private static let bodySchema = HTTPSchema.object([
    "data?": .object([:]).described("What the template shows."), "locale?": .string, "format?": .string,
    "version?": .integer,
  ])
}

/// What a request for a rendering says.
private struct RenderBody: Sendable {
  private(set) var data: JSONValue = [:]
  private(set) var locale: String?
  private(set) var format: String?
  private(set) var version: Int?

  private static let members: Set<String> = ["data", "locale", "format", "version"]

  /// Reads the body; what is not meant for it is refused, since data beside `data` would be missed without a word.
  init(_ body: JSONValue) throws(HTTPProblem) {
    guard let object = body.objectValue else { throw Self.problem("", "must be an object") }
    for (name, value) in object where value != .null {
      guard Self.members.contains(name) else {
        throw Self.problem(name, "is not known here; what the template shows stands in 'data'")
      }
      try read(name, value)
    }
  }

  private mutating func read(_ name: String, _ value: JSONValue) throws(HTTPProblem) {
    switch (name, value) {
    case ("data", .object): data = value
    case ("data", _): throw Self.problem(name, "must be an object")
    case ("version", .integer(let number)) where number > 0: version = Int(exactly: number)
    case ("version", _): throw Self.problem(name, "must be a whole number from 1")
    case ("locale", .string(let text)): locale = text
    case ("format", .string(let text)): format = text
    default: throw Self.problem(name, "must be a string")
    }
  }

  private static func problem(_ field: String, _ message: String) -> HTTPProblem {
    HTTPProblem(
      .unprocessableContent, "\(field.isEmpty ? "The body" : "'\(field)'") \(message).",
      members: ["errors": [["field": .string(field), "message": .string(message)]]])
  }

  func request(_ name: String) -> TemplateRequest {
    TemplateRequest(name, data: data, locale: locale, format: format, version: version)
  }
}

extension JSONValue {
  init(_ entry: RenderStatistics.Entry) {
    self = [
      "count": .integer(Int64(entry.count)), "bytes": .integer(Int64(entry.bytes)), "seconds": .number(entry.seconds),
      "slowestSeconds": .number(entry.slowest),
    ]
  }
}

extension TemplateFailure {
  var status: HTTPResponse.Status {
    switch code {
    case .notFound: .notFound
    case .unsupported: .notImplemented
    case .busy: .serviceUnavailable
    case .timedOut: .gatewayTimeout
    default: .unprocessableContent
    }
  }
}
