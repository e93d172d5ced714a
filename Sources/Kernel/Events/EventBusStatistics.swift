/// What the bus has done and what waits in it, at one moment.
public struct EventBusStatistics: Sendable, Encodable {
  /// Every topic that the bus has met, by name.
  public let topics: [TopicStatistics]
  /// Every subscription that is open, in the order of opening.
  public let subscriptions: [SubscriptionStatistics]
  /// Events dropped since the bus began, by any subscription.
  public let dropped: Int
  /// Events whose handler threw since the bus began.
  public let failed: Int
  /// Subscriptions refused because there were too many.
  public let refused: Int
}

/// What the bus knows of one topic.
public struct TopicStatistics: Sendable, Encodable {
  /// The topic.
  public let topic: Topic
  /// Events published while somebody listened. What nobody listens to is not counted, because it costs nothing.
  public let published: Int
  /// How many subscriptions receive it.
  public let subscriptions: Int
  /// Whether a new subscriber first receives the last event.
  public let isSticky: Bool
}

/// What one subscription has received and lost. `offered = delivered + dropped + queued`.
public struct SubscriptionStatistics: Sendable, Encodable {
  /// How the subscriber receives events.
  public enum Kind: String, Sendable, Encodable {
    /// Called by the publisher.
    case observer
    /// Taken from a stream.
    case stream
    /// Called in a task of its own.
    case handler
  }

  /// Counted from 1 as subscriptions are opened.
  public let id: Int
  /// The topic or the pattern.
  public let subscription: String
  /// The plugin whose subscription it is.
  public let owner: String
  /// How the subscriber receives events.
  public let kind: Kind
  /// The buffer, and what happens when it is full; nil for an observer.
  public let buffer: String?
  /// Events handed to the subscriber.
  public let delivered: Int
  /// Events lost.
  public let dropped: Int
  /// Events that wait.
  public let queued: Int
  /// The most events that have ever waited.
  public let highWater: Int
}
