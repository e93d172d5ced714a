import HTTPTypes
import NIOHTTP1

extension HTTPRequest {
  /// The head as handlers see it; nil if its method or target cannot be one. An absolute target is reduced to its path.
  init?(_ head: HTTPRequestHead, isSecure: Bool) {
    guard let method = HTTPRequest.Method(head.method), let path = HTTPRequest.path(of: head.uri) else { return nil }
    self.init(
      method: method, scheme: isSecure ? "https" : "http", authority: head.headers.first(name: "host"), path: path,
      headerFields: HTTPFields(head.headers))
  }

  private static func path(of target: String) -> String? {
    if target.utf8.first == UInt8(ascii: "/") || target == "*" { return target }
    guard let scheme = target.range(of: "://") else { return target.isEmpty ? nil : target }
    let rest = target[scheme.upperBound...]
    guard let slash = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
    return rest[slash] == "/" ? String(rest[slash...]) : "/" + rest[slash...]
  }
}

extension HTTPRequest.Method {
  fileprivate init?(_ method: HTTPMethod) {
    switch method {
    case .GET: self = .get
    case .HEAD: self = .head
    case .POST: self = .post
    case .PUT: self = .put
    case .DELETE: self = .delete
    case .PATCH: self = .patch
    case .OPTIONS: self = .options
    default: self.init(method.rawValue)
    }
  }
}

extension HTTPFields {
  /// All headers but `Host`, which is the request's authority.
  init(_ headers: HTTPHeaders) {
    self.init()
    reserveCapacity(headers.count)
    for (name, value) in headers {
      guard let name = HTTPField.Name(name) else { continue }
      if name.canonicalName != "host" { append(HTTPField(name: name, value: value)) }
    }
  }
}

extension String {
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}

extension HTTPResponse {
  /// Whether it ends only when somebody ends it: a stream of server-sent events.
  var isEndless: Bool { headerFields[.contentType]?.hasPrefix("text/event-stream") == true }
}
