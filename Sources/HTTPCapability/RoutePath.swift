/// The path a route answers: `/templates`, `/templates/{name}`, `/files/{path...}`.
///
/// `{name}` stands for one segment, which is not empty; `{name...}`, only at the end, for all that remain, at least one.
/// A literal segment wins over a parameter. Requests match without regard to repeated and trailing slashes. The handler
/// finds the decoded values under their names with ``MainstayRequestContext/parameter(_:)``.
public struct RoutePath: Sendable, Hashable, ExpressibleByStringInterpolation, CustomStringConvertible {
  /// One part of the path.
  public enum Segment: Sendable, Hashable {
    /// The very text.
    case literal(String)
    /// Any one segment, remembered under this name.
    case parameter(String)
    /// All remaining segments, remembered under this name.
    case rest(String)
  }

  /// The path as it was written; also how it appears in logs and metrics, so that no value from a request does.
  public let template: String
  /// Its parts.
  public let segments: [Segment]

  /// A path. What is wrong with it is told by ``mistakes``.
  public init(_ template: String) {
    self.template = template
    segments = template.split(separator: "/").map(Segment.init)
  }

  /// A path.
  public init(stringLiteral value: String) { self.init(value) }

  /// The path as it was written.
  public var description: String { template }

  /// The names of its parameters, in order.
  public var parameters: [String] {
    segments.compactMap { segment in
      switch segment {
      case .literal: nil
      case .parameter(let name), .rest(let name): name
      }
    }
  }

  /// The path in OpenAPI's notation, which knows `{name}` alone.
  public var openAPI: String {
    "/"
      + segments.map { segment in
        switch segment {
        case .literal(let text): text
        case .parameter(let name), .rest(let name): "{\(name)}"
        }
      }.joined(separator: "/")
  }

  /// The path without the names of its parameters: two paths of one shape answer the same requests.
  var shape: String {
    "/"
      + segments.map { segment in
        switch segment {
        case .literal(let text): text
        case .parameter: "{}"
        case .rest: "{...}"
        }
      }.joined(separator: "/")
  }

  /// What is wrong with the path, a sentence each; empty if nothing is.
  public var mistakes: [String] {
    var mistakes: [String] = []
    if !template.hasPrefix("/") { mistakes.append("path '\(template)' must begin with '/'") }
    for name in Set(parameters).sorted() where parameters.filter({ $0 == name }).count > 1 {
      mistakes.append("path '\(template)' names the parameter '\(name)' twice")
    }
    for (index, segment) in segments.enumerated() {
      mistakes += segment.mistakes(isLast: index == segments.count - 1).map { "path '\(template)': \($0)" }
    }
    return mistakes
  }
}

extension RoutePath.Segment {
  init(_ text: Substring) {
    guard text.hasPrefix("{"), text.hasSuffix("}") else {
      self = .literal(String(text))
      return
    }
    let name = text.dropFirst().dropLast()
    self = name.hasSuffix("...") ? .rest(String(name.dropLast(3))) : .parameter(String(name))
  }

  func mistakes(isLast: Bool) -> [String] {
    switch self {
    case .literal(let text):
      let odd = text.utf8.contains { !$0.isPlainInPath }
      if text == "." || text == ".." { return ["'\(text)' is not a segment"] }
      if text.hasPrefix(":") { return ["write '{\(text.dropFirst())}' for the parameter '\(text)'"] }
      return odd
        ? ["'\(text)' may hold letters, digits and -._~!$&'()*+,;=:@ only; a parameter is a whole segment"] : []
    case .parameter(let name):
      return name.isParameterName ? [] : ["'{\(name)}' is not a name of letters, digits and '_'"]
    case .rest(let name):
      let misplaced = isLast ? [] : ["'{\(name)...}' takes all that remains, so it must come last"]
      return name.isParameterName ? misplaced : ["'{\(name)...}' is not a name of letters, digits and '_'"]
    }
  }
}

extension UInt8 {
  /// Whether the byte stands for itself in a path segment (`pchar` of RFC 3986 without percent-encoding).
  var isPlainInPath: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: "-._~!$&'()*+,;=:@".utf8.contains(self)
    }
  }
}

extension String {
  fileprivate var isParameterName: Bool {
    !isEmpty
      && utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
      }
  }
}
