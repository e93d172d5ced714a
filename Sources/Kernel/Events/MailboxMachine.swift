/// What waits for one subscriber: a bounded ring, the consumer that waits for it and the senders that wait for room.
/// Decides only; `Mailbox` holds the lock and resumes the tasks.
///
/// ```
///            close, overflow under .disconnect
///   open ────────────────────────────────────▶ closed ── the last event is taken ──▶ finished
///   (takes events)                             (delivers what waits, takes no more)
/// ```
/// A consumer is parked only while nothing waits; a sender waits only while the ring is full.
@usableFromInline
struct MailboxMachine<Element: Sendable, Waiter: Sendable>: ~Copyable {
  @usableFromInline
  enum Overflow: Sendable { case dropOldest, dropNewest, suspend, disconnect }

  /// What became of an event.
  @usableFromInline
  enum Offer {
    /// It waits.
    case stored
    /// It waits, and its consumer must be resumed.
    case wake(Waiter)
    /// It waits; this older one was dropped for it.
    case displaced(Element)
    /// It was dropped: the ring is full.
    case dropped(Element)
    /// It was dropped, and the subscription must end.
    case disconnected(Element)
    /// The mailbox is closed.
    case refused(Element)
    /// Its sender waits for room.
    case waiting
  }

  @usableFromInline
  enum Take {
    /// The batch holds all that waited; these senders must be resumed.
    case batch(resume: [Waiter])
    case empty
    case finished
  }

  struct Closing {
    var consumer: Waiter?
    var senders: [Waiter] = []
    var lost: [Element] = []
  }

  struct Sender {
    let id: Int
    let element: Element
    let waiter: Waiter
  }

  /// How many senders may wait for room. One more is told that its event was dropped.
  static var maximumSenders: Int { 4096 }

  @usableFromInline let capacity: Int
  @usableFromInline let overflow: Overflow
  @usableFromInline var pending = EventRing<Element>()
  @usableFromInline var consumer: Waiter?
  @usableFromInline var isClosed = false
  @usableFromInline var offered = 0
  @usableFromInline var dropped = 0
  @usableFromInline var highWater = 0
  var senders: [Sender] = []

  init(_ buffer: EventBuffer) {
    capacity = buffer.capacity
    overflow =
      switch buffer {
      case .dropOldest: .dropOldest
      case .dropNewest: .dropNewest
      case .suspend: .suspend
      case .disconnect: .disconnect
      }
  }

  /// Stores an event if it can, and otherwise does what the policy says.
  @inlinable
  mutating func offer(_ element: consuming Element) -> Offer {
    offered &+= 1
    if isClosed || pending.count >= capacity { return refuse(element) }
    pending.append(element)
    if pending.count > highWater { highWater = pending.count }
    guard let waiter = consumer else { return .stored }
    consumer = nil
    return .wake(waiter)
  }

  @usableFromInline
  mutating func refuse(_ element: Element) -> Offer {
    dropped += 1
    if isClosed { return .refused(element) }
    switch overflow {
    case .dropNewest, .suspend:
      return .dropped(element)
    case .disconnect:
      isClosed = true
      return .disconnected(element)
    case .dropOldest:
      let oldest = pending.popFirst()
      pending.append(element)
      return oldest.map { .displaced($0) } ?? .stored
    }
  }

  /// Whether a sender has to wait for room now.
  @inlinable
  var mustWait: Bool { !isClosed && overflow == .suspend && pending.count >= capacity }

  /// Stores an event, or lets its sender wait for room if the policy says so.
  mutating func send(_ element: Element, id: Int, waiter: Waiter) -> Offer {
    guard mustWait, senders.count < Self.maximumSenders else { return offer(element) }
    offered += 1
    senders.append(Sender(id: id, element: element, waiter: waiter))
    return .waiting
  }

  /// A sender does not want to wait any longer: its event is lost.
  mutating func withdrawSender(_ id: Int) -> Sender? {
    guard let index = senders.firstIndex(where: { $0.id == id }) else { return nil }
    dropped += 1
    return senders.remove(at: index)
  }

  /// Hands over everything that waits, in exchange for the empty ring of the batch before. Senders move up.
  @inlinable
  mutating func take(into batch: inout EventRing<Element>) -> Take {
    if pending.count == 0 { return isClosed ? .finished : .empty }
    swap(&pending, &batch)
    return .batch(resume: moveUp())
  }

  @usableFromInline
  mutating func moveUp() -> [Waiter] {
    if senders.isEmpty { return [] }
    let admitted = senders.prefix(capacity)
    for sender in admitted { pending.append(sender.element) }
    senders.removeFirst(admitted.count)
    highWater = max(highWater, pending.count)
    return admitted.map(\.waiter)
  }

  /// Parks the consumer. False if there is something for it, or nothing will come any more.
  mutating func park(_ waiter: Waiter) -> Bool {
    if pending.count > 0 || isClosed { return false }
    consumer = waiter
    return true
  }

  /// Takes no more events. What waits can still be taken, unless it is discarded.
  mutating func close(discarding: Bool) -> Closing {
    isClosed = true
    var closing = Closing(consumer: consumer, senders: senders.map(\.waiter), lost: senders.map(\.element))
    consumer = nil
    senders = []
    if discarding { closing.lost = pending.removeAll() + closing.lost }
    dropped += closing.lost.count
    return closing
  }
}
