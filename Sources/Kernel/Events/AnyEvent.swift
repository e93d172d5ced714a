import Instrumentation
import Synchronization

/// An event of any type, with what is known of its publication. Cheap to copy and to keep.
public struct AnyEvent: Sendable, CustomStringConvertible {
  private final class Storage: Sendable {
    let topic: Topic
    let sequence: Int
    let time: Duration
    let requestID: String?
    let traceContext: TraceContext?
    let publisher: String?
    let payload: any Encodable & Sendable
    let json = Mutex<JSONValue?>(nil)

    init(_ payload: any Encodable & Sendable, topic: Topic, publication: Publication) {
      self.topic = topic
      self.payload = payload
      sequence = publication.sequence
      time = publication.time
      publisher = publication.publisher
      requestID = publication.context?.requestID
      traceContext = publication.context?.traceContext
    }
  }

  /// When, by whom and in which request an event was published.
  struct Publication {
    var sequence = 0
    var time: Duration
    var publisher: String?
    var context: ServiceContext?
  }

  private let storage: Storage

  init(_ payload: any Encodable & Sendable, topic: Topic, publication: Publication) {
    storage = Storage(payload, topic: topic, publication: publication)
  }

  /// Where it was published.
  public var topic: Topic { storage.topic }
  /// Grows with each event of the host that somebody receives as `AnyEvent`, or that is sticky. 0 where it is unknown,
  /// in a dead letter of a typed stream.
  public var sequence: Int { storage.sequence }
  /// When it was published: time since 1970.
  public var time: Duration { storage.time }
  /// The id of the request in which it was published, if there was one.
  public var requestID: String? { storage.requestID }
  /// The trace in which it was published, if there was one.
  public var traceContext: TraceContext? { storage.traceContext }
  /// The plugin that published it, or nil where that is unknown.
  public var publisher: String? { storage.publisher }

  /// The event as JSON, rendered when first asked for.
  public var json: JSONValue {
    if let known = storage.json.withLock({ $0 }) { return known }
    let rendered = JSONValue(describing: storage.payload)
    storage.json.withLock { $0 = rendered }
    return rendered
  }

  /// The event, if it is of that type.
  public func `as`<E: Event>(_ type: E.Type) -> E? { storage.payload as? E }

  /// The payload, event or JSON, if it is of that type.
  func payload<Payload>(as type: Payload.Type) -> Payload? { storage.payload as? Payload }

  /// The context in which a handler of the event runs.
  var context: ServiceContext? {
    guard requestID != nil || traceContext != nil else { return nil }
    var context = ServiceContext.topLevel
    context.requestID = requestID
    context.traceContext = traceContext
    return context
  }

  /// Topic and JSON.
  public var description: String { "\(topic) \(json.compact)" }
}

/// An event of a known type, with what is known of its publication.
@dynamicMemberLookup
public struct EventEnvelope<Payload: Sendable>: Sendable {
  /// The event.
  public let event: Payload
  /// The same without its type: topic, sequence, time, request id, publisher.
  public let any: AnyEvent

  init(event: Payload, any: AnyEvent) {
    self.event = event
    self.any = any
  }

  /// What is known of the publication: `envelope.requestID`.
  public subscript<Value>(dynamicMember member: KeyPath<AnyEvent, Value>) -> Value { any[keyPath: member] }
}
