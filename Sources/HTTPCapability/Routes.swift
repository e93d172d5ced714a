public import MainstayKernel

/// The routes a plugin contributes to the HTTP server.
///
/// ```swift
/// static let manifest = PluginManifest(
///   name: "hello", version: "1.0.0", summary: "Greets.", contributes: [.point(.httpRoutes)])
///
/// init(configuration: Configuration, context: PluginContext) throws {
///   try context.contribute([
///     .get("/hello/{name}", "Greets somebody by name.") { _, context in
///       try .text("Hello, \(context.parameter("name"))!")
///     }
///   ])
/// }
/// ```
public struct Routes: Sendable, ExpressibleByArrayLiteral {
  /// The routes, in order.
  public var routes: [Route]

  /// A set of routes.
  public init(_ routes: [Route]) { self.routes = routes }

  /// A set of routes.
  public init(arrayLiteral elements: Route...) { routes = elements }

  /// Every mistake in the routes' declarations, in words: malformed paths, and two routes for one method and path.
  public var mistakes: [String] {
    var seen: [String: String] = [:]
    return routes.flatMap { route in
      let own = ([route.path] + route.aliases).flatMap { path in path.mistakes.map { "\(route.title): \($0)" } }
      let key = "\(route.method.rawValue) \(route.path.shape)"
      defer { seen[key] = route.title }
      return own + (seen[key].map { ["\(route.title) answers the same requests as \($0)"] } ?? [])
    }
  }
}

extension ContributionPoint where Value == Routes {
  /// Routes for the HTTP server. The server stops before the plugins whose routes it serves.
  public static var httpRoutes: Self { Self("http_routes", collectorStopsFirst: true) }
}

extension PluginContext {
  /// Mounts routes on the HTTP server; they answer at once. In a host without a server it has no effect.
  ///
  /// Throws if a route is declared wrongly, or if the manifest does not list `.point(.httpRoutes)` under `contributes`.
  /// Cancelling the result takes the routes away; the kernel does so when the plugin stops.
  @discardableResult
  public func contribute(_ routes: Routes) throws -> Subscription {
    let mistakes = routes.mistakes
    guard mistakes.isEmpty else { throw RouteError(plugin: plugin, mistakes: mistakes) }
    return try contribute(routes, to: .httpRoutes)
  }
}

/// Routes that cannot be served as they are declared.
public struct RouteError: Error, Sendable, CustomStringConvertible {
  /// The plugin that declared them.
  public let plugin: String
  /// What is wrong, a sentence each.
  public let mistakes: [String]

  package init(plugin: String, mistakes: [String]) {
    self.plugin = plugin
    self.mistakes = mistakes
  }

  /// Everything that is wrong, in words.
  public var description: String {
    "routes of plugin '\(plugin)' are declared wrongly: \(mistakes.joined(separator: "; "))"
  }
}
