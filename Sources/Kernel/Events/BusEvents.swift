/// A subscriber did not keep up and events were dropped. Published at most once a second for each subscription.
public struct BusDropped: Event {
  /// `bus.dropped`
  public static let topic: Topic = "bus.dropped"
  /// The topic or the pattern of the subscription.
  public let subscription: String
  /// The plugin whose subscription it is.
  public let owner: String
  /// What its buffer holds and what it does when full.
  public let buffer: String
  /// How many events this subscription has lost until now.
  public let dropped: Int
}

/// A subscription was refused, because its owner or the whole host has as many as are allowed.
/// What the caller got has already ended.
public struct BusSubscriptionRefused: Event {
  /// `bus.subscription-refused`
  public static let topic: Topic = "bus.subscription-refused"
  /// The topic or the pattern that was asked for.
  public let subscription: String
  /// The plugin that asked.
  public let owner: String
  /// The limit that was reached.
  public let limit: Int
}

/// An event that did not reach a subscriber, and why.
public struct DeadLetter: Sendable {
  /// Why an event did not reach a subscriber.
  public enum Reason: Sendable, Hashable, CustomStringConvertible {
    /// The subscriber's buffer was full.
    case overflow
    /// The subscriber's handler threw; the text is what the error says of itself.
    case handlerFailed(String)
    /// The subscription ended before the event was taken.
    case subscriberGone

    /// The reason in words.
    public var description: String {
      switch self {
      case .overflow: "overflow"
      case .handlerFailed(let text): "handler failed: \(text)"
      case .subscriberGone: "subscriber gone"
      }
    }
  }

  /// Where the event was published.
  public var topic: Topic { event.topic }
  /// Why it was not delivered.
  public let reason: Reason
  /// The event.
  public let event: AnyEvent
  /// The plugin whose subscription it was.
  public let owner: String
  /// The topic or the pattern of the subscription.
  public let subscription: String
  /// When it was given up: time since 1970.
  public let time: Duration
}
