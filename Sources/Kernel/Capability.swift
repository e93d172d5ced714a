/// A typed name under which one plugin provides a value and others require it.
///
/// Declare it beside the protocol it stands for, as a computed static property:
/// ```swift
/// extension Capability where Value == any SQLDatabase {
///   public static var sql: Self { Self("sql") }
/// }
/// ```
public struct Capability<Value: Sendable>: Sendable, Hashable {
  /// The name of the edge in the graph, in `lower_snake_case`.
  public let name: String

  /// A capability of that name. Two capabilities of one name and different types are an error at boot.
  public init(_ name: String) { self.name = name }
}

/// A capability whose type is erased, as manifests list it. Write `.capability(.sql)` or `AnyCapability(.sql)`.
public struct AnyCapability: Sendable, Hashable, CustomStringConvertible {
  /// The capability's name.
  public let name: String
  let type: ObjectIdentifier
  let typeName: String

  /// Erases a capability's type.
  public init<Value: Sendable>(_ capability: Capability<Value>) {
    name = capability.name
    type = ObjectIdentifier(Value.self)
    typeName = String(describing: Value.self)
  }

  /// Erases a capability's type: `provides: [.capability(.sql)]`.
  public static func capability<Value: Sendable>(_ capability: Capability<Value>) -> AnyCapability {
    AnyCapability(capability)
  }

  /// The capability's name.
  public var description: String { name }
}

/// A typed name under which many plugins contribute values that one plugin collects: routes, health checks, metrics.
///
/// A collector reads contributions live, so it need not wait for its contributors at start.
public struct ContributionPoint<Value: Sendable>: Sendable, Hashable {
  /// The name, in `lower_snake_case`.
  public let name: String
  /// Whether the collector must have stopped before its contributors may: true where it calls them on behalf of
  /// somebody outside, as a server calls the routes of other plugins.
  public let collectorStopsFirst: Bool

  /// A contribution point of that name.
  public init(_ name: String, collectorStopsFirst: Bool = false) {
    self.name = name
    self.collectorStopsFirst = collectorStopsFirst
  }
}

/// A contribution point whose type is erased, as manifests list it: `collects: [.point(.httpRoutes)]`.
public struct AnyContributionPoint: Sendable, Hashable, CustomStringConvertible {
  /// The point's name.
  public let name: String
  /// Whether the collector must have stopped before its contributors may.
  public let collectorStopsFirst: Bool
  let type: ObjectIdentifier
  let typeName: String

  /// Erases a point's type.
  public init<Value: Sendable>(_ point: ContributionPoint<Value>) {
    name = point.name
    collectorStopsFirst = point.collectorStopsFirst
    type = ObjectIdentifier(Value.self)
    typeName = String(describing: Value.self)
  }

  /// Erases a point's type.
  public static func point<Value: Sendable>(_ point: ContributionPoint<Value>) -> AnyContributionPoint {
    AnyContributionPoint(point)
  }

  /// The point's name.
  public var description: String { name }
}

/// A contributed value and the plugin it came from.
public struct Contributed<Value: Sendable>: Sendable {
  /// The plugin that contributed the value.
  public let plugin: String
  /// The contributed value.
  public let value: Value

  /// A value and the plugin it came from, for collectors that derive one contribution from another.
  public init(plugin: String, value: Value) {
    self.plugin = plugin
    self.value = value
  }
}

/// What plugins contribute to one point, read live by its collector. Ordered by plugin name, then by the order of
/// contribution. A plugin's contributions are withdrawn when it stops.
public struct Contributions<Value: Sendable>: Sendable {
  let point: ContributionPoint<Value>
  let registry: Registry
  let scope: PluginScope

  /// What is contributed now.
  public var current: [Contributed<Value>] { registry.contributions(to: point) }

  /// Grows with each change to any point, so that a collector can cache what it derived from `current`.
  /// Costs one atomic load while nothing changes.
  public var version: Int { registry.contributionVersion }

  /// Calls `body` at each change, starting with the present state. Ends when the collector stops.
  /// `body` runs in the task of whoever changed something: it must be short.
  @discardableResult
  public func observe(_ body: @escaping @Sendable ([Contributed<Value>]) -> Void) -> Subscription {
    let subscription = registry.observe(point, body)
    scope.add(subscription)
    return subscription
  }
}
