import HTTPTypes
package import MainstayKernel

/// All routes of the host, arranged for finding. A value: rebuilt when a plugin contributes, read without waiting.
///
/// Paths without parameters are found by one look-up of the whole path. The others stand in a tree with one level for
/// each segment, where a literal wins over a parameter and a parameter over "all that remain".
package struct RouteTable: Sendable {
  /// A route in the table.
  package struct Entry: Sendable {
    /// The route.
    package let route: Route
    /// The plugin that contributed it.
    package let plugin: String
    /// The names of the parameters, in the order of the path under which it was found.
    let parameters: [String]
  }

  /// What a request's path leads to.
  enum Match {
    case found(Entry, values: [Substring])
    case wrongMethod(allowed: [HTTPRequest.Method])
    case nothing
  }

  private struct Node: Sendable {
    var literals: [String: Node] = [:]
    var parameter: [Node] = []
    var here: [Entry] = []
    var rest: [Entry] = []
  }

  /// Every route, ordered by plugin, then as contributed.
  package private(set) var routes: [Contributed<Route>] = []
  /// Routes that were left out, and why: malformed, or answered already by another plugin.
  package private(set) var rejected: [String] = []
  private var plain: [String: [Entry]] = [:]
  private var root = Node()
  private let aliases: PathAliases

  /// Arranges routes. Of two routes for one method and path the first counts; the other is listed under ``rejected``.
  package init(_ contributed: [Contributed<Routes>] = [], aliases: PathAliases = .none) {
    self.aliases = aliases
    for contribution in contributed {
      for route in contribution.value.routes { add(route, plugin: contribution.plugin) }
    }
  }

  private mutating func add(_ route: Route, plugin: String) {
    let mistakes = ([route.path] + route.aliases).flatMap(\.mistakes)
    guard mistakes.isEmpty else {
      rejected.append("\(route.title) of plugin '\(plugin)': \(mistakes.joined(separator: "; "))")
      return
    }
    routes.append(Contributed(plugin: plugin, value: route))
    for path in [route.path] + route.aliases {
      let entry = Entry(route: route, plugin: plugin, parameters: path.parameters)
      let before =
        entry.parameters.isEmpty ? insert(entry, plainly: path) : Self.insert(entry, path.segments[...], &root)
      guard let before else { continue }
      rejected.append(
        "\(route.method.rawValue) \(path.template) of plugin '\(plugin)': plugin '\(before.plugin)' answers it already")
    }
  }

  /// The route that stands in the way, if there is one.
  private mutating func insert(_ entry: Entry, plainly path: RoutePath) -> Entry? {
    let key = "/" + path.template.split(separator: "/").joined(separator: "/")
    return Self.append(entry, to: &plain[key, default: []])
  }

  private static func insert(_ entry: Entry, _ path: ArraySlice<RoutePath.Segment>, _ node: inout Node) -> Entry? {
    guard let segment = path.first else { return append(entry, to: &node.here) }
    switch segment {
    case .literal(let text):
      return insert(entry, path.dropFirst(), &node.literals[text, default: Node()])
    case .parameter:
      if node.parameter.isEmpty { node.parameter.append(Node()) }
      return insert(entry, path.dropFirst(), &node.parameter[0])
    case .rest:
      return append(entry, to: &node.rest)
    }
  }

  private static func append(_ entry: Entry, to entries: inout [Entry]) -> Entry? {
    if let before = entries.first(where: { $0.route.method == entry.route.method }) { return before }
    entries.append(entry)
    return nil
  }
}

extension RouteTable {
  /// Finds the route for a request, under its own path or an alias.
  func match(_ method: HTTPRequest.Method, _ target: RequestTarget) -> Match {
    let match = find(method, target.path, { target.segments })
    guard case .nothing = match, let canonical = aliases.canonical(target.path) else { return match }
    return find(method, canonical, { canonical.split(separator: "/") })
  }

  /// The path that is served for this one, which may be an alias.
  func served(_ path: String) -> String { aliases.canonical(path) ?? path }

  private func find(_ method: HTTPRequest.Method, _ path: String, _ segments: () -> [Substring]) -> Match {
    var search = Search(method: method == .head ? .get : method)
    if let entries = plain[path], let entry = search.choose(entries) { return .found(entry, values: []) }
    if let entry = search.descend(root, segments()[...]) { return .found(entry, values: search.values) }
    return search.allowed.isEmpty ? .nothing : .wrongMethod(allowed: search.allowedMethods)
  }

  /// A walk through the tree, which goes back where a literal led nowhere.
  private struct Search {
    let method: HTTPRequest.Method
    var values: [Substring] = []
    var allowed: [HTTPRequest.Method] = []

    init(method: HTTPRequest.Method) { self.method = method }

    mutating func choose(_ entries: [Entry]) -> Entry? {
      for entry in entries {
        if entry.route.method == method { return entry }
        allowed.append(entry.route.method)
      }
      return nil
    }

    mutating func descend(_ node: Node, _ path: ArraySlice<Substring>) -> Entry? {
      guard let segment = path.first else { return choose(node.here) }
      if let next = node.literals[String(segment)], let entry = descend(next, path.dropFirst()) { return entry }
      if let next = node.parameter.first {
        values.append(segment)
        if let entry = descend(next, path.dropFirst()) { return entry }
        values.removeLast()
      }
      if let entry = choose(node.rest) {
        values.append(path.joined(separator: "/")[...])
        return entry
      }
      return nil
    }

    var allowedMethods: [HTTPRequest.Method] {
      var methods = Set(allowed)
      if methods.contains(.get) { methods.insert(.head) }
      methods.insert(.options)
      return methods.sorted { $0.rawValue < $1.rawValue }
    }
  }
}
