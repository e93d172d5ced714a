public import MainstayKernel

/// An error as the client sees it: `application/problem+json` of RFC 9457.
///
/// Handlers throw it: `throw HTTPProblem(.notFound, "There is no template 'welcome'.")`. The server adds `instance`
/// and `requestId`. Do not put into it what the caller may not know; what is for the operator goes into a log line.
public struct HTTPProblem: Error, Sendable {
  /// The status of the response.
  public var status: HTTPResponse.Status
  /// A URI that names the kind of problem; `about:blank` says that the status tells all.
  public var type: String
  /// The kind of problem in a few words, the same each time; by default the status' own.
  public var title: String
  /// What went wrong this time, and what to do about it.
  public var detail: String?
  /// The path of the request; filled in by the server.
  public var instance: String?
  /// The request's id; filled in by the server.
  public var requestID: String?
  /// Further members, such as the fields that were refused.
  public var members: JSONObject
  /// Further headers of the response, such as `Retry-After`.
  public var headers: HTTPFields
  /// Whether the connection ends with the response.
  public var closesConnection = false

  /// A problem.
  public init(
    _ status: HTTPResponse.Status, _ detail: String? = nil, type: String = "about:blank", title: String? = nil,
    members: JSONObject = [:], headers: HTTPFields = [:]
  ) {
    self.status = status
    self.type = type
    self.title = title ?? status.reasonPhrase
    self.detail = detail
    self.members = members
    self.headers = headers
  }

  /// The same problem, with the time after which the client may try again.
  public func retryAfter(_ duration: Duration) -> HTTPProblem {
    var problem = self
    // Whole seconds, rounded up: an earlier attempt would fail again.
    let seconds = duration.components.seconds + (duration.components.attoseconds > 0 ? 1 : 0)
    problem.headers[.retryAfter] = String(max(0, seconds))
    return problem
  }

  /// The same problem; the connection ends with the response.
  public func closing() -> HTTPProblem {
    var problem = self
    problem.closesConnection = true
    return problem
  }
}

extension HTTPProblem: CustomStringConvertible {
  /// `404 Not Found: There is no template 'welcome'.`
  public var description: String {
    "\(status.code) \(title)" + (detail.map { ": " + $0 } ?? "")
  }
}

extension HTTPProblem {
  /// The document that the client receives.
  public var document: JSONValue {
    var object: JSONObject = ["type": .string(type), "title": .string(title), "status": .integer(Int64(status.code))]
    object["detail"] = detail.map { .string($0) }
    object["instance"] = instance.map { .string($0) }
    object["requestId"] = requestID.map { .string($0) }
    for (key, value) in members where object[key] == nil { object[key] = value }
    return .object(object)
  }

  /// The response that the client receives.
  public var response: Response {
    var headers = headers
    headers[.contentType] = "application/problem+json"
    headers[.cacheControl] = headers[.cacheControl] ?? "no-store"
    if closesConnection { headers[.connection] = "close" }
    return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: document.utf8())))
  }
}
