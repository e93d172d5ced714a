/// Something that happened: a value, published under a topic.
///
/// ```swift
/// struct PoolExhausted: Event {
///   static let topic: Topic = "pool.exhausted"
///   let waiting: Int
/// }
/// ```
/// Names are in the past tense. The `Encodable` rendering is what `/events`, rules and `mainstay events` show; it is
/// made only when somebody asks for it. Do not put secrets or patient data into an event.
public protocol Event: Encodable, Sendable {
  /// Where the event is published: `pool.exhausted`.
  static var topic: Topic { get }
  /// Whether a new subscriber first receives the last event of this topic. For events that state what is, such as
  /// "the host is ready". The default is false.
  static var isSticky: Bool { get }
}

extension Event {
  /// Not sticky.
  public static var isSticky: Bool { false }
}
