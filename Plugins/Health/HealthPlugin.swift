import MainstayHTTP
public import MainstayKernel

/// Tells probes, dashboards and people how the host is.
public struct HealthPlugin: Plugin {
  /// `health`
  public static let manifest = PluginManifest(
    name: "health", version: "1.0.0", summary: "Tells how the host is: /live, /ready, /health.",
    contributes: [.point(.httpRoutes)])

  /// Serves the routes from now on.
  public init(configuration: HealthConfiguration, context: PluginContext) async throws {
    let board = HealthBoard(context, keeps: configuration.cache)
    try context.contribute(
      HealthRoutes(
        board: board, access: RouteAccess(health: configuration.access),
        detailAccess: RouteAccess(health: configuration.detailAccess)
      ).routes)
  }
}

extension RouteAccess {
  /// Reads `open`, `authenticated`, or the name of a role.
  init(health text: String) {
    switch text {
    case "open": self = .open
    case "authenticated": self = .authenticated
    default: self = .role(text)
    }
  }
}
