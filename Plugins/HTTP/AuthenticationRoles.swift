import MainstayHTTP

/// Roles, of which some contain others: an admin is also an operator, an operator also a viewer. Any other name stands
/// for itself alone.
enum AuthenticationRoles {
  /// From the least to the most.
  static let hierarchy = ["viewer", "operator", "admin"]

  /// The roles with those that they contain.
  static func expanded(_ roles: Set<String>) -> Set<String> {
    guard let highest = hierarchy.lastIndex(where: { roles.contains($0) }) else { return roles }
    return roles.union(hierarchy[...highest])
  }

  /// The identity with the roles that its own contain.
  static func expanded(_ identity: Identity) -> Identity {
    Identity(subject: identity.subject, roles: expanded(identity.roles), scheme: identity.scheme)
  }
}

/// Who may call which path, where the configuration says it differently from the route: `auth.access:`.
struct AuthenticationAccessRules: Sendable {
  private let exact: [String: RouteAccess]
  private let prefixes: [(path: String, access: RouteAccess)]

  /// Rules by path, or, with `/**` at the end, for all that is below it; values as ``RouteAccess/init(configuration:)``
  /// reads them.
  init(_ access: [String: String]) {
    var exact: [String: RouteAccess] = [:]
    var prefixes: [(path: String, access: RouteAccess)] = []
    for (path, value) in access {
      guard let access = RouteAccess(configuration: value) else { continue }
      if path.hasSuffix("/**") {
        prefixes.append((String(path.dropLast(2)), access))
      } else {
        exact[path] = access
      }
    }
    self.exact = exact
    self.prefixes = prefixes.sorted { $0.path.utf8.count > $1.path.utf8.count }
  }

  /// The access of a route: what is said of its path, else of the longest path above it, else the route's own.
  func access(for route: Route) -> RouteAccess {
    let path = route.path.template
    return exact[path] ?? prefixes.first { path.hasPrefix($0.path) }?.access ?? route.access
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
