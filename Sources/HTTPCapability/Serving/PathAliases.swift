/// Further names of paths, for clients that know them under those.
package struct PathAliases: Sendable, Equatable {
  /// What a path means: the path that is served.
  package let table: [String: String]
  /// Beginnings that are dropped: with `/api`, `/api/health` means `/health`.
  package let prefixes: [String]

  /// Aliases.
  package init(table: [String: String], prefixes: [String]) {
    self.table = table
    self.prefixes = prefixes
  }

  /// No aliases.
  package static let none = PathAliases(table: [:], prefixes: [])

  /// The names under which probes and dashboards of other systems look for the host's state.
  package static let standard = PathAliases(
    table: [
      "/health/liveness": "/live",
      "/health/readiness": "/ready",
      "/api/health/liveness": "/live",
      "/api/health/readiness": "/ready",
      "/api/health/detailed": "/health/comprehensive",
      "/api/system/health": "/health/comprehensive",
    ],
    prefixes: ["/api"])

  /// The path that is served for this one; nil if it has no other name.
  package func canonical(_ path: String) -> String? {
    if let path = table[path] { return path }
    for prefix in prefixes where path.hasPrefix(prefix + "/") { return String(path.dropFirst(prefix.utf8.count)) }
    return nil
  }
}
