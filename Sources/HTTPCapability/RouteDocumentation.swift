/// What the OpenAPI document says of a route. Only the summary is needed.
public struct RouteDocumentation: Sendable {
  /// One line.
  public var summary: String
  /// More, in Markdown.
  public var description: String?
  /// Groups the route with others.
  public var tags: [String] = []
  /// Parameters in the query and in headers, and what is to be said of those in the path.
  public var parameters: [Parameter] = []
  /// The request's body; nil if it has none.
  public var requestBody: Body?
  /// The responses beside the problems that every route may answer with.
  public var responses: [Answer] = []
  /// Whether the document leaves the route out.
  public var isHidden = false

  /// Documentation of one line.
  public init(summary: String) { self.summary = summary }

  /// A parameter of a route.
  public struct Parameter: Sendable {
    /// Where a parameter stands.
    public enum Place: String, Sendable {
      /// In the path, as `{name}`.
      case path
      /// In the query.
      case query
      /// In a header.
      case header
    }

    /// Its name.
    public let name: String
    /// Where it stands.
    public let place: Place
    /// What it means.
    public let summary: String
    /// What values it takes.
    public let schema: HTTPSchema
    /// Whether it must be there.
    public let isRequired: Bool

    /// A parameter.
    public init(
      _ name: String, in place: Place, _ summary: String, schema: HTTPSchema = .string, isRequired: Bool = false
    ) {
      self.name = name
      self.place = place
      self.summary = summary
      self.schema = schema
      self.isRequired = isRequired || place == .path
    }
  }

  /// A body, of a request or a response.
  public struct Body: Sendable {
    /// What it looks like.
    public let schema: HTTPSchema
    /// Its media type.
    public let contentType: String

    /// A body.
    public init(_ schema: HTTPSchema, contentType: String = "application/json") {
      self.schema = schema
      self.contentType = contentType
    }
  }

  /// A response of a route.
  public struct Answer: Sendable {
    /// Its status.
    public let status: HTTPResponse.Status
    /// When it is given.
    public let summary: String
    /// Its body; nil if it has none.
    public let body: Body?

    /// A response.
    public init(_ status: HTTPResponse.Status, _ summary: String, body: Body? = nil) {
      self.status = status
      self.summary = summary
      self.body = body
    }
  }
}

extension Route {
  /// The same route, with more to read about it, in Markdown.
  public func described(_ text: String) -> Route { with { $0.documentation.description = text } }

  /// The same route, grouped with others.
  public func tagged(_ tags: String...) -> Route { with { $0.documentation.tags += tags } }

  /// The same route, left out of the OpenAPI document.
  public func hidden() -> Route { with { $0.documentation.isHidden = true } }

  /// The same route, with a documented parameter in its query.
  public func query(
    _ name: String, _ summary: String, _ schema: HTTPSchema = .string, isRequired: Bool = false
  ) -> Route {
    with {
      $0.documentation.parameters.append(.init(name, in: .query, summary, schema: schema, isRequired: isRequired))
    }
  }

  /// The same route, with a documented parameter in its headers.
  public func header(
    _ name: String, _ summary: String, _ schema: HTTPSchema = .string, isRequired: Bool = false
  ) -> Route {
    with {
      $0.documentation.parameters.append(.init(name, in: .header, summary, schema: schema, isRequired: isRequired))
    }
  }

  /// The same route, with a word about a parameter in its path.
  public func parameter(_ name: String, _ summary: String, _ schema: HTTPSchema = .string) -> Route {
    with(.init(name, in: .path, summary, schema: schema))
  }

  /// The same route, with a documented request body.
  public func accepts(_ schema: HTTPSchema, contentType: String = "application/json") -> Route {
    with { $0.documentation.requestBody = .init(schema, contentType: contentType) }
  }

  /// The same route, with a documented response that has a body.
  public func responds(
    _ status: HTTPResponse.Status = .ok, _ schema: HTTPSchema, contentType: String = "application/json",
    _ summary: String? = nil
  ) -> Route {
    with {
      let body = RouteDocumentation.Body(schema, contentType: contentType)
      $0.documentation.responses.append(.init(status, summary ?? status.reasonPhrase, body: body))
    }
  }

  /// The same route, with a documented response that has no body.
  public func responds(_ status: HTTPResponse.Status, _ summary: String) -> Route {
    with { $0.documentation.responses.append(.init(status, summary)) }
  }

  private func with(_ parameter: RouteDocumentation.Parameter) -> Route {
    with { $0.documentation.parameters.append(parameter) }
  }
}
