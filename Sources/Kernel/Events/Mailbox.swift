public import Synchronization

/// The events that wait for one subscriber, and the task that takes them.
///
/// Publishers put events into a ring under a lock. The consumer exchanges that ring for its own empty one, also under
/// the lock, and then works through the batch without it. Only a parked consumer is woken.
@usableFromInline
final class Mailbox<Element: Sendable>: @unchecked Sendable {
  // because everything mutable is in the Mutex and in atomics, except `batch` and `gathering`: only the one consumer
  // that holds the lease touches those.

  @usableFromInline typealias Waiter = UnsafeContinuation<Void, Never>
  @usableFromInline typealias Machine = MailboxMachine<Element, Waiter>

  /// What a mailbox tells the bus.
  struct Hooks: Sendable {
    var lost: @Sendable (Element, DeadLetter.Reason) -> Void
    /// The mailbox has ended of itself: unregister it.
    var ended: @Sendable () -> Void
  }

  let buffer: EventBuffer
  private let hooks: Hooks
  @usableFromInline let machine: Mutex<Machine>
  @usableFromInline let batch: UnsafeMutablePointer<EventRing<Element>>
  @usableFromInline let delivered = Atomic<Int>(0)
  private var gathering = Gathering()
  private let leased = Atomic<Bool>(false)
  private let senderIDs = Atomic<Int>(0)

  init(_ buffer: EventBuffer, hooks: Hooks) {
    self.buffer = buffer
    self.hooks = hooks
    machine = Mutex(Machine(buffer))
    batch = .allocate(capacity: 1)
    batch.initialize(to: EventRing())
  }

  deinit {
    batch.deinitialize(count: 1)
    batch.deallocate()
  }

  // MARK: Publishers

  /// Puts an event in, or does what the buffer's policy says. Never waits.
  @inlinable
  func offer(_ element: Element) {
    settle(machine.withLock { $0.offer(element) })
  }

  @inlinable
  func settle(_ offer: Machine.Offer) {
    switch offer {
    case .stored, .waiting: break
    case .wake(let consumer): consumer.resume()
    case .displaced(let element), .dropped(let element): lose(element, ended: false)
    case .disconnected(let element): lose(element, ended: true)
    case .refused(let element): leave(element)
    }
  }

  @usableFromInline
  func lose(_ element: Element, ended: Bool) {
    hooks.lost(element, .overflow)
    if ended { finish() }
  }

  @usableFromInline
  func leave(_ element: Element) { hooks.lost(element, .subscriberGone) }

  /// Puts an event in while the bus holds its lock: what does not fit is counted, and not reported but returned.
  func preload(_ element: Element) -> (any Sendable)? {
    switch machine.withLock({ $0.offer(element) }) {
    case .displaced(let element), .dropped(let element), .disconnected(let element), .refused(let element): element
    case .wake(let consumer): resumed(consumer)
    case .stored, .waiting: nil
    }
  }

  private func resumed(_ consumer: Waiter) -> (any Sendable)? {
    consumer.resume()
    return nil
  }

  /// Puts an event in, unless its sender has to wait for room.
  @inlinable
  func offerIfRoom(_ element: Element) -> Bool {
    let offer = machine.withLock { $0.mustWait ? .waiting : $0.offer(element) }
    if case .waiting = offer { return false }
    settle(offer)
    return true
  }

  /// Puts an event in, and waits for room if the buffer's policy is to suspend. A cancelled sender does not wait.
  @usableFromInline
  nonisolated(nonsending) func send(_ element: Element) async {
    let id = senderIDs.add(1, ordering: .relaxed).newValue
    await withTaskCancellationHandler {
      await withUnsafeContinuation { sender in
        let offer = machine.withLock { $0.send(element, id: id, waiter: sender) }
        if case .waiting = offer {
          if Task.isCancelled { withdrawSender(id) }
        } else {
          settle(offer)
          sender.resume()
        }
      }
    } onCancel: {
      withdrawSender(id)
    }
  }

  private func withdrawSender(_ id: Int) {
    guard let sender = machine.withLock({ $0.withdrawSender(id) }) else { return }
    hooks.lost(sender.element, .overflow)
    sender.waiter.resume()
  }

  // MARK: The consumer

  /// Makes the caller the one consumer. False if there is one.
  func lease() -> Bool { leased.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged }

  func endLease() { leased.store(false, ordering: .releasing) }

  /// The next event of the batch that was taken, or nil if it is used up.
  @inlinable
  func popBatch() -> Element? {
    guard let element = batch.pointee.popFirst() else { return nil }
    delivered.store(delivered.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    return element
  }

  /// The next event; waits for it if there is none. Nil when the mailbox has been closed and emptied.
  @inlinable
  nonisolated(nonsending) func next() async -> Element? {
    if let element = popBatch() { return element }
    return await takeNext()
  }

  /// Gives way before it takes a small batch more, so that events gather, and some times before it parks: exchanging the
  /// ring with a publisher on another core costs as much as ten events, waking a parked consumer as much as a hundred.
  /// How often it gives way follows what that brought: a quiet stream parks after the first look.
  @usableFromInline
  nonisolated(nonsending) func takeNext() async -> Element? {
    for _ in 0..<gathering.pauses { await Task.yield() }
    var looks = 0
    while true {
      // A consumer that never has to wait must notice its end all the same.
      if Task.isCancelled { finish() }
      switch takeBatch() {
      case .some(true):
        gathering.found(batch.pointee.count, after: looks)
        return popBatch()
      case .none: return nil
      case .some(false) where looks >= gathering.patience:
        gathering.parked()
        looks = 0
        await park()
      case .some(false):
        looks += 1
        await Task.yield()
      }
    }
  }

  /// True: there is a new batch. False: nothing waits. Nil: nothing will come any more.
  @usableFromInline
  func takeBatch() -> Bool? {
    switch machine.withLock({ $0.take(into: &batch.pointee) }) {
    case .batch(let senders):
      if !senders.isEmpty { resume(senders) }
      return true
    case .empty: return false
    case .finished: return nil
    }
  }

  @usableFromInline
  func resume(_ senders: [Waiter]) { for sender in senders { sender.resume() } }

  /// Waits until something is there. A cancelled task ends the subscription instead.
  @usableFromInline
  nonisolated(nonsending) func park() async {
    await withTaskCancellationHandler {
      await withUnsafeContinuation { consumer in
        if !machine.withLock({ $0.park(consumer) }) { consumer.resume() }
      }
    } onCancel: {
      finish()
    }
  }

  // MARK: The end

  /// Ends the subscription of its own accord.
  private func finish() {
    close(discarding: false)
    hooks.ended()
  }

  /// Takes no more events; what waits is still delivered, unless it is discarded. The batch in the consumer's hands
  /// stays there.
  func close(discarding: Bool) {
    let closing = machine.withLock { $0.close(discarding: discarding) }
    for element in closing.lost { hooks.lost(element, .subscriberGone) }
    for sender in closing.senders { sender.resume() }
    closing.consumer?.resume()
  }

  /// How many events came, were taken, were lost, wait now, and have ever waited at most.
  var counts: MailboxCounts {
    let taken = delivered.load(ordering: .relaxed)
    return machine.withLock { machine in
      MailboxCounts(
        delivered: taken, dropped: machine.dropped, queued: max(0, machine.offered - machine.dropped - taken),
        highWater: machine.highWater)
    }
  }

  /// The handler of an event that was taken threw.
  func fail(_ element: Element, _ text: String) { hooks.lost(element, .handlerFailed(text)) }

  /// The consumer has ended before an event of its batch came up.
  func abandon(_ element: Element) {
    delivered.store(delivered.load(ordering: .relaxed) - 1, ordering: .relaxed)
    machine.withLock { $0.dropped += 1 }
    hooks.lost(element, .subscriberGone)
  }
}

/// What a mailbox has counted.
struct MailboxCounts {
  var delivered = 0
  var dropped = 0
  var queued = 0
  var highWater = 0
}
