import HTTPTypes
package import MainstayHTTP
package import MainstayKernel

/// The OpenAPI 3.1 document of a set of routes.
package struct OpenAPIDocument: Sendable {
  private let title: String
  private let version: String
  private let routes: [Contributed<Route>]

  /// - Parameters:
  ///   - title: The host's name.
  ///   - version: The program's version.
  ///   - routes: The routes, each with the plugin it came from. Hidden ones are left out.
  package init(title: String, version: String, routes: [Contributed<Route>]) {
    self.title = title
    self.version = version
    self.routes = routes.filter { !$0.value.documentation.isHidden }
  }

  /// The document.
  package var json: JSONValue {
    var document: JSONObject = [
      "openapi": "3.1.0",
      "info": ["title": .string(title), "version": .string(version)],
      // Where the document came from, whatever proxies stand before it.
      "servers": [["url": "/"]],
    ]
    let tags = tags
    if !tags.isEmpty { document["tags"] = .array(tags.map { ["name": .string($0)] }) }
    document["paths"] = .object(paths)
    document["components"] = Self.components
    return .object(document)
  }

  /// Every tag, in alphabetical order.
  private var tags: [String] { Set(routes.flatMap { Self.tags($0) }).sorted() }

  private var paths: JSONObject {
    var paths = JSONObject()
    var ids = OpenAPIOperationIDs()
    for route in routes {
      guard let method = Self.method(route.value.method) else { continue }
      let path = route.value.path.openAPI
      var item = paths[path]?.objectValue ?? JSONObject()
      // Of two routes for the same requests the first one answers.
      guard item[method] == nil else { continue }
      item[method] = .object(operation(route, id: ids.next(for: route.value)))
      paths[path] = .object(item)
    }
    return paths
  }

  /// The methods that the format knows.
  private static func method(_ method: HTTPRequest.Method) -> String? {
    let name = method.rawValue.lowercased()
    return ["get", "put", "post", "delete", "options", "head", "patch", "trace"].contains(name) ? name : nil
  }

  private static func tags(_ route: Contributed<Route>) -> [String] {
    let own = route.value.documentation.tags
    return own.isEmpty ? [route.plugin] : own
  }
}

extension OpenAPIDocument {
  private func operation(_ contributed: Contributed<Route>, id: String) -> JSONObject {
    let route = contributed.value
    let documentation = route.documentation
    var operation: JSONObject = [
      "operationId": .string(id), "summary": .string(documentation.summary),
      "tags": .array(Self.tags(contributed).map { .string($0) }),
    ]
    operation["description"] = documentation.description.map { .string($0) }
    let parameters = Self.parameters(route)
    if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
    if let body = documentation.requestBody {
      operation["requestBody"] = ["required": true, "content": Self.content(body)]
    }
    operation["responses"] = .object(Self.responses(route))
    operation["security"] = Self.security(route.access)
    operation["x-mainstay-access"] = .string(route.access.description)
    operation["x-mainstay-plugin"] = .string(contributed.plugin)
    return operation
  }

  /// The parameters of the path, each documented or not, then the others.
  private static func parameters(_ route: Route) -> [JSONValue] {
    let documented = route.documentation.parameters
    let inPath = route.path.parameters.map { name in
      documented.first { $0.place == .path && $0.name == name }
        ?? RouteDocumentation.Parameter(name, in: .path, "")
    }
    var seen: Set<String> = []
    let others = documented.filter { $0.place != .path && seen.insert("\($0.place) \($0.name)").inserted }
    return (inPath + others).map(parameter)
  }

  private static func parameter(_ parameter: RouteDocumentation.Parameter) -> JSONValue {
    var object: JSONObject = [
      "name": .string(parameter.name), "in": .string(parameter.place.rawValue),
      "required": .bool(parameter.isRequired || parameter.place == .path), "schema": parameter.schema.value,
    ]
    if !parameter.summary.isEmpty { object["description"] = .string(parameter.summary) }
    return .object(object)
  }

  private static func content(_ body: RouteDocumentation.Body) -> JSONValue {
    .object([body.contentType: ["schema": body.schema.value]])
  }

  /// What the route says, and the problems that any route may answer with.
  private static func responses(_ route: Route) -> JSONObject {
    var responses = JSONObject()
    for answer in route.documentation.responses {
      var response: JSONObject = ["description": .string(answer.summary)]
      response["content"] = answer.body.map(content)
      responses["\(answer.status.code)"] = .object(response)
    }
    if responses.isEmpty { responses["200"] = ["description": "It was done."] }
    for status in problems(route) where responses["\(status.code)"] == nil {
      responses["\(status.code)"] = problem(status.reasonPhrase)
    }
    responses["default"] = problem("What went wrong.")
    return responses
  }

  private static func problems(_ route: Route) -> [HTTPResponse.Status] {
    switch route.access {
    case .open: []
    case .authenticated: [.unauthorized, .tooManyRequests]
    case .role: [.unauthorized, .forbidden, .tooManyRequests]
    }
  }

  private static func problem(_ description: String) -> JSONValue {
    [
      "description": .string(description),
      "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
    ]
  }

  /// One of the two ways to prove who calls; none for an open route.
  private static func security(_ access: RouteAccess) -> JSONValue {
    access == .open ? [] : [["apiKey": []], ["bearer": []]]
  }

  private static let components: JSONValue = [
    "securitySchemes": [
      "apiKey": ["type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key of this host."],
      "bearer": [
        "type": "http", "scheme": "bearer", "description": "An API key of this host, or a JSON Web Token.",
      ],
    ],
    "schemas": [
      "Problem": [
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "properties": [
          "type": ["type": "string", "description": "A URI for the kind of problem."],
          "title": ["type": "string", "description": "The kind of problem in a few words."],
          "status": ["type": "integer", "description": "The status of the response."],
          "detail": ["type": "string", "description": "What went wrong this time, and what to do about it."],
          "instance": ["type": "string", "description": "The path of the request."],
          "requestId": ["type": "string", "description": "The request's id, under which the log says more."],
        ],
        "required": ["type", "title", "status"],
      ]
    ],
  ]
}

/// Names for operations, no two alike: `getHealth`, `getTemplatesByName`.
struct OpenAPIOperationIDs {
  private var used: Set<String> = []

  /// A name made of a route's method and path.
  mutating func next(for route: Route) -> String {
    let base = Self.name(route)
    var name = base
    var number = 2
    while !used.insert(name).inserted {
      name = "\(base)\(number)"
      number += 1
    }
    return name
  }

  private static func name(_ route: Route) -> String {
    route.path.segments.reduce(route.method.rawValue.lowercased()) { name, segment in
      switch segment {
      case .literal(let text): name + camel(text)
      case .parameter(let text), .rest(let text): name + "By" + camel(text)
      }
    }
  }

  /// `health-report` becomes `HealthReport`.
  private static func camel(_ text: String) -> String {
    let words = text.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    return words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }
}
