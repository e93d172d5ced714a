import MainstayHTTP

/// Who may call which path, where the configuration says it differently from the route: `auth.access:`.
struct AuthenticationAccessRules: Sendable {
  private let exact: [String: RouteAccess]
  private let prefixes: [(path: String, access: RouteAccess)]

  /// Rules by path, or, with `/**` at the end, for that path and all below it; values as
  /// ``RouteAccess/init(configuration:)`` reads them.
  init(_ access: [String: String]) {
    var exact: [String: RouteAccess] = [:]
    var prefixes: [(path: String, access: RouteAccess)] = []
    for (path, value) in access {
      guard let access = RouteAccess(configuration: value) else { continue }
      if path.hasSuffix("/**") {
        prefixes.append((String(path.dropLast(3)), access))
      } else {
        exact[path] = access
      }
    }
    self.exact = exact
    self.prefixes = prefixes.sorted { $0.path.utf8.count > $1.path.utf8.count }
  }

  /// The access of a route: what is said of its path, else of the longest path at or above it, else the route's own.
  func access(for route: Route) -> RouteAccess {
    let path = Self.path(of: route)
    return exact[path] ?? prefixes.first { Self.covers($0.path, path) }?.access ?? route.access
  }

  /// The routes, each with its access.
  func applied(to routes: Routes) -> Routes {
    guard !exact.isEmpty || !prefixes.isEmpty else { return routes }
    return Routes(
      routes.routes.map { route in
        var route = route
        route.access = access(for: route)
        return route
      })
  }

  /// The rules that say nothing of any of these routes, in the order of their paths.
  func unmatched(by routes: [Route]) -> [String] {
    let paths = Set(routes.map(Self.path))
    let idle = prefixes.filter { prefix in !paths.contains { Self.covers(prefix.path, $0) } }.map { $0.path + "/**" }
    return (exact.keys.filter { !paths.contains($0) } + idle).sorted()
  }

  private static func path(of route: Route) -> String {
    "/" + route.path.template.split(separator: "/").joined(separator: "/")
  }

  private static func covers(_ prefix: String, _ path: String) -> Bool {
    path == prefix || path.hasPrefix(prefix + "/")
  }
}

extension AuthenticationAccessRules {
  /// The one spelling of a rule's path that can match: with a slash at the beginning and none at the end, without empty,
  /// `.` and `..` segments, decoded, and with asterisks only as `/**` at the end.
  static func canonical(_ path: String) -> String {
    let target = path.prefix { $0 != "?" && $0 != "#" }
    let plain = (RequestTarget.percentDecoded(target.utf8) ?? String(target)).filter { $0 != "%" && $0 != "\\" }
    var segments: [Substring] = []
    for segment in plain.split(separator: "/") where segment != "." {
      if segment == ".." {
        _ = segments.popLast()
      } else if segment.contains("*") {
        let name = segment.filter { $0 != "*" }
        if !name.isEmpty { segments.append(name[...]) }
        segments.append("**")
        break
      } else {
        segments.append(segment)
      }
    }
    return "/" + segments.joined(separator: "/")
  }

  /// What is wrong with a rule's path; nil if it can match.
  static func mistake(in path: String) -> String? {
    guard path != canonical(path) else { return nil }
    if !path.hasPrefix("/") { return "must begin with '/'" }
    if path.contains("%") { return "must hold its characters as they are, not percent-encoded" }
    if (path.hasSuffix("/**") ? path.dropLast(3) : path[...]).contains("*") {
      return "may have '*' only as '/**' at its end"
    }
    return "is never served: paths have no empty, '.' or '..' segments, no slash at the end, no query and no backslash"
  }

  /// The path that is meant where a rule names it by its other name; nil if it does not.
  static func served(_ path: String, _ aliases: PathAliases) -> String? {
    if path.hasSuffix("/**"), let base = aliases.canonical(String(path.dropLast(3))) { return base + "/**" }
    return aliases.canonical(path)
  }
}

extension RouteAccess {
  /// Reads `open`, `authenticated`, or the name of a role. Nil if the text is empty.
  init?(configuration text: String) {
    switch text {
    case "": return nil
    case "open": self = .open
    case "authenticated": self = .authenticated
    default: self = .role(text)
    }
  }
}
