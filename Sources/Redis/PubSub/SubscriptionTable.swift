/// Who listens to what. A pure value; the hub holds it under its lock and does what comes out of it.
struct SubscriptionTable {
  private struct Topic {
    var listeners: [ObjectIdentifier: SubscriptionBuffer] = [:]
    var isConfirmed = false
    /// Whether it was in force before the connection was lost, so that its listeners may have missed something.
    var wasConfirmed = false
    var waiters: [OneShot<Void>] = []
  }

  private var topics: [RedisTopic: Topic] = [:]

  /// Everything that somebody listens to.
  var wanted: [RedisTopic] { Array(topics.keys) }

  /// Adds a listener. Nil if the topic is in force already; else whoever waits for that.
  mutating func add(_ buffer: SubscriptionBuffer, to topic: RedisTopic) -> OneShot<Void>? {
    topics[topic, default: Topic()].listeners[ObjectIdentifier(buffer)] = buffer
    if topics[topic]?.isConfirmed == true { return nil }
    let waiter = OneShot<Void>()
    // Those who have stopped waiting are not kept until the server answers, which it may never do.
    topics[topic]?.waiters.removeAll { !$0.isPending }
    topics[topic]?.waiters.append(waiter)
    return waiter
  }

  /// Takes a listener out. Returns the topics that nobody listens to any more.
  mutating func remove(_ buffer: SubscriptionBuffer, from topics: [RedisTopic]) -> [RedisTopic] {
    topics.filter { topic in
      self.topics[topic]?.listeners[ObjectIdentifier(buffer)] = nil
      guard self.topics[topic]?.listeners.isEmpty == true else { return false }
      self.topics[topic] = nil
      return true
    }
  }

  /// The server has confirmed a topic. Returns who waited for it, and who must be told that it was interrupted.
  mutating func confirm(_ topic: RedisTopic) -> (waiters: [OneShot<Void>], interrupted: [SubscriptionBuffer]) {
    guard var entry = topics[topic], !entry.isConfirmed else { return ([], []) }
    let interrupted = entry.wasConfirmed ? Array(entry.listeners.values) : []
    let waiters = entry.waiters
    entry.isConfirmed = true
    entry.wasConfirmed = true
    entry.waiters = []
    topics[topic] = entry
    return (waiters, interrupted)
  }

  /// The connection is gone: nothing is in force.
  mutating func interrupt() {
    for topic in topics.keys { topics[topic]?.isConfirmed = false }
  }

  /// The server has refused a subscription, without saying which: all that wait are told.
  mutating func refuse() -> [OneShot<Void>] {
    var waiters: [OneShot<Void>] = []
    for topic in topics.keys where topics[topic]?.isConfirmed == false {
      waiters += topics[topic]?.waiters ?? []
      topics[topic]?.waiters = []
    }
    return waiters
  }

  func listeners(of topic: RedisTopic) -> [SubscriptionBuffer] {
    topics[topic].map { Array($0.listeners.values) } ?? []
  }

  /// Everybody, at the end.
  mutating func removeAll() -> (buffers: [SubscriptionBuffer], waiters: [OneShot<Void>]) {
    defer { topics = [:] }
    return (topics.values.flatMap(\.listeners.values), topics.values.flatMap(\.waiters))
  }
}
