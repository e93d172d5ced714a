/// A plugin that comes with Mainstay, as a host package links it. The product is the module, too.
struct StockPlugin: Sendable, Equatable {
  /// Its key in `host.yaml`.
  let name: String
  let product: String
  let type: String
  /// What a new host's manifest says of it.
  var section = "{}"

  /// Every plugin of the package; scripts/test compares the list with Package.swift.
  static let all = [
    StockPlugin(name: "http", product: "MainstayHTTPServer", type: "HTTPPlugin", section: "{ port: 8080 }"),
    StockPlugin(name: "dev_services", product: "MainstayDevServices", type: "DevServicesPlugin"),
    StockPlugin(name: "pool", product: "MainstayPool", type: "PoolPlugin"),
    StockPlugin(name: "health", product: "MainstayHealth", type: "HealthPlugin"),
    StockPlugin(name: "metrics", product: "MainstayMetrics", type: "MetricsPlugin"),
    StockPlugin(name: "templates", product: "MainstayTemplates", type: "TemplatesPlugin"),
    StockPlugin(name: "retry", product: "MainstayRetry", type: "RetryPlugin"),
    StockPlugin(name: "validator", product: "MainstayValidator", type: "ValidatorPlugin"),
  ]

  /// The plugins of a comma-separated list, in its order.
  static func list(_ text: String) throws(ScaffoldError) -> [StockPlugin] {
    var plugins: [StockPlugin] = []
    for name in text.split(separator: ",").map({ String($0.trimmingSpaces) }) where !name.isEmpty {
      guard let plugin = all.first(where: { $0.name == name }) else {
        throw ScaffoldError(
          "there is no stock plugin '\(name)'; there are: \(all.map(\.name).joined(separator: ", "))")
      }
      if !plugins.contains(plugin) { plugins.append(plugin) }
    }
    return plugins
  }
}

/// Why a package was not made: what is wrong, and what to do.
struct ScaffoldError: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

extension Substring {
  fileprivate var trimmingSpaces: Substring {
    let start = drop { $0 == " " }
    return start.prefix((start.lastIndex { $0 != " " }).map { start.distance(from: start.startIndex, to: $0) + 1 } ?? 0)
  }
}
