/// Who may call a route. The server enforces it before the handler runs, and fails closed: where nobody can be
/// authenticated, only open routes answer.
public enum RouteAccess: Sendable, Hashable, CustomStringConvertible {
  /// Everybody.
  case open
  /// Whoever has proved who they are.
  case authenticated
  /// Whoever has proved who they are and has this role.
  case role(String)

  /// Whether somebody of that identity, or nobody, may call the route.
  public func admits(_ identity: Identity?) -> Bool {
    switch self {
    case .open: true
    case .authenticated: identity != nil
    case .role(let role): identity?.roles.contains(role) ?? false
    }
  }

  /// `open`, `authenticated`, `role operator`
  public var description: String {
    switch self {
    case .open: "open"
    case .authenticated: "authenticated"
    case .role(let role): "role \(role)"
    }
  }
}
