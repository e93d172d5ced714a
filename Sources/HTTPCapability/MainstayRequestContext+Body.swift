import FoundationEssentials
import HTTPTypes
import MainstayKernel
import NIOCore

extension MainstayRequestContext {
  /// The body of a JSON request as a value.
  ///
  /// Throws a problem that says what is wrong: 415 if the body is not declared as JSON, 413 if it is too long, 400 if it
  /// is not JSON, 422, naming the member, if it is not such a value. A `JSONValue` keeps its members in their order.
  public func decode<Value: Decodable>(_ type: Value.Type, from request: Request) async throws -> Value {
    try Self.requireJSON(request)
    let body = try await body(of: request)
    guard body.readableBytes > 0 else { throw HTTPProblem(.badRequest, "The body is empty; it must be JSON.") }
    if type == JSONValue.self, let value = try Self.json(body) as? Value { return value }
    do {
      return try Self.decoder.decode(type, from: Data(body.readableBytesView))
    } catch let error as DecodingError {
      throw error.problem
    }
  }

  /// The whole body of a request. Throws a problem of status 413 if it is longer than the route allows.
  public func body(of request: Request) async throws -> ByteBuffer {
    do {
      return try await request.body.collect(upTo: bodyLimit)
    } catch is NIOTooManyBytesError {
      throw HTTPProblem.bodyTooLong(limit: bodyLimit)
    }
  }

  private static func json(_ body: ByteBuffer) throws(HTTPProblem) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: Array(body.readableBytesView), limits: .init(bytes: .max))
    } catch {
      throw HTTPProblem(.badRequest, "The body is not JSON: \(error).")
    }
  }

  // Read concurrently, never changed.
  private static let decoder: JSONDecoder = {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return decoder
  }()

  private static func requireJSON(_ request: Request) throws(HTTPProblem) {
    guard let declared = request.headers[.contentType] else {
      throw HTTPProblem(.unsupportedMediaType, "Say 'Content-Type: application/json' and send JSON.")
    }
    let type = declared.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
    guard type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json")) else {
      throw HTTPProblem(.unsupportedMediaType, "The body must be JSON: 'Content-Type: application/json'.")
    }
  }
}

extension HTTPProblem {
  /// The body is longer than allowed. The rest of it is not read, so the connection ends.
  public static func bodyTooLong(limit: Int) -> HTTPProblem {
    HTTPProblem(
      .contentTooLarge, "The body may have \(limit) bytes at most.",
      members: ["limit": .integer(Int64(limit))]
    ).closing()
  }
}

extension DecodingError {
  /// What the client is told: the member and what is expected of it, never the value it sent.
  var problem: HTTPProblem {
    switch self {
    case .keyNotFound(let key, let context):
      .unprocessable(context.codingPath + [key], "is missing")
    case .typeMismatch(let type, let context):
      .unprocessable(context.codingPath, "must be \(Self.words(for: type))")
    case .valueNotFound(let type, let context):
      .unprocessable(context.codingPath, "must be \(Self.words(for: type)), not null")
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
      HTTPProblem(.badRequest, "The body is not JSON.")
    case .dataCorrupted(let context):
      .unprocessable(context.codingPath, "is not valid")
    @unknown default:
      HTTPProblem(.badRequest, "The body cannot be read.")
    }
  }

  private static func words(for type: any Any.Type) -> String {
    switch type {
    case is String.Type: "a string"
    case is Bool.Type: "true or false"
    case is any BinaryInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is any Collection.Type: "\(type)".hasPrefix("Dictionary") ? "an object" : "an array"
    default: "of type \(type)"
    }
  }
}

extension HTTPProblem {
  fileprivate static func unprocessable(_ path: [any CodingKey], _ what: String) -> HTTPProblem {
    let field = path.reduce(into: "") { field, key in
      if let index = key.intValue {
        field += "[\(index)]"
      } else {
        field += (field.isEmpty ? "" : ".") + key.stringValue
      }
    }
    let name = field.isEmpty ? "The body" : "'\(field)'"
    return HTTPProblem(
      .unprocessableContent, "\(name) \(what).",
      members: ["errors": [["field": .string(field), "message": .string(what)]]])
  }
}
