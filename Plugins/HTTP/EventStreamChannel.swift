import Synchronization

/// Hands items from several senders to one receiver, one at a time: a sender waits until its item is taken, so what
/// piles up does so in the bounded buffers of the bus, where it is counted.
final class EventStreamChannel<Item: Sendable>: Sendable {
  private struct Sender {
    let item: Item
    let continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var senders: [Sender] = []
    var receiver: CheckedContinuation<Item?, Never>?
    var isClosed = false
  }

  private enum SendStep {
    case wait, refuse
    case deliver(CheckedContinuation<Item?, Never>)
  }

  private enum ReceiveStep {
    case wait, end
    case take(Sender)
  }

  private let state = Mutex(State())

  /// Sends an item. Returns whether it was taken; false once the channel is closed.
  func send(_ item: Item) async -> Bool {
    await withCheckedContinuation { continuation in
      let step: SendStep = state.withLock { state in
        if state.isClosed { return .refuse }
        if let receiver = state.receiver.take() { return .deliver(receiver) }
        state.senders.append(Sender(item: item, continuation: continuation))
        return .wait
      }
      switch step {
      case .wait: break
      case .refuse: continuation.resume(returning: false)
      case .deliver(let receiver):
        receiver.resume(returning: item)
        continuation.resume(returning: true)
      }
    }
  }

  /// The next item; nil once the channel is closed or the task is cancelled. For one receiver.
  func receive() async -> Item? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let step: ReceiveStep = state.withLock { state in
          if state.isClosed { return .end }
          if !state.senders.isEmpty { return .take(state.senders.removeFirst()) }
          state.receiver = continuation
          return .wait
        }
        switch step {
        case .wait: break
        case .end: continuation.resume(returning: nil)
        case .take(let sender):
          sender.continuation.resume(returning: true)
          continuation.resume(returning: sender.item)
        }
      }
    } onCancel: {
      close()
    }
  }

  /// Ends the channel: what was not taken is dropped.
  func close() {
    let (senders, receiver) = state.withLock { state in
      state.isClosed = true
      defer { state.senders = [] }
      return (state.senders, state.receiver.take())
    }
    for sender in senders { sender.continuation.resume(returning: false) }
    receiver?.resume(returning: nil)
  }
}
