import Logging
import Synchronization

/// Carries out the rules of a host.
final class RuleEngine: Sendable {
  private let bus: EventBus
  private let registry: Registry
  private let logger: Logger
  private let clock: any HostClock
  private let subscriptions = Mutex<[Rule: Subscription]>([:])

  /// The longest one action may take.
  private static let limit = Duration.seconds(30)

  init(bus: EventBus, registry: Registry, clock: any HostClock, logger: Logger) {
    self.bus = bus
    self.clock = clock
    self.registry = registry
    self.logger = logger
  }

  /// Puts other rules in the place of the present ones.
  func replace(_ rules: [Rule]) {
    let wanted = Set(rules)
    let present = subscriptions.withLock { $0 }
    // A rule that stays keeps its subscription: a new one would be told of what is past.
    for (rule, subscription) in present where !wanted.contains(rule) { subscription.cancel() }
    let next = Dictionary(uniqueKeysWithValues: wanted.map { ($0, present[$0] ?? subscribe($0)) })
    subscriptions.withLock { $0 = next }
  }

  /// An event that finds no action, or whose action throws, becomes a dead letter of the bus.
  private func subscribe(_ rule: Rule) -> Subscription {
    bus.subscribe(rule.on, buffer: .dropOldest(1024)) { [self] event in
      guard rule.matches(event) else { return }
      switch rule.action {
      case "log": log(rule.arguments, event)
      case "publish": publish(rule.arguments, event)
      default: try await perform(rule, event)
      }
    }
  }

  private func log(_ arguments: JSONValue, _ event: AnyEvent) {
    let message = arguments.stringValue ?? arguments["message"]?.stringValue ?? ""
    let level = arguments["level"]?.stringValue.flatMap(Logger.Level.init(rawValue:)) ?? .notice
    logger.log(
      level: level, "\(message)", metadata: ["topic": "\(event.topic)", "event": "\(event.json.compact)"])
  }

  private func publish(_ arguments: JSONValue, _ event: AnyEvent) {
    guard let text = arguments["topic"]?.stringValue, let topic = try? Topic(text) else { return }
    bus.publish(topic: topic, json: ["cause": .string("\(event.topic)"), "event": event.json])
  }

  private func perform(_ rule: Rule, _ event: AnyEvent) async throws {
    let actions = registry.contributions(to: .ruleActions)
    guard let action = actions.first(where: { $0.value.name == rule.action })?.value else {
      throw KernelError(
        .missingCapability, "no running plugin offers the action '\(rule.action)' of the rule on '\(rule.on)'")
    }
    try await withDeadline(Self.limit, clock: clock) {
      try await action.perform(rule.arguments, event)
    } orThrow: {
      KernelError(
        .runFailed,
        "the action '\(rule.action)' of the rule on '\(rule.on)' took longer than "
          + Self.limit.formattedShort)
    }
  }
}
