import MainstayHTTP
import Synchronization

/// How many event streams are open, in all and for each caller.
final class EventStreamSlots: Sendable {
  private struct State {
    var open = 0
    var byCaller: [String: Int] = [:]
  }

  /// The right to one stream. It ends with the last reference, whether or not the stream ever began.
  final class Slot: Sendable {
    private let slots: EventStreamSlots
    private let caller: String

    fileprivate init(_ slots: EventStreamSlots, _ caller: String) {
      self.slots = slots
      self.caller = caller
    }

    deinit { slots.release(caller) }
  }

  private let limit: Int
  private let limitPerCaller: Int
  private let state = Mutex(State())

  init(limit: Int, perCaller: Int) {
    self.limit = limit
    limitPerCaller = perCaller
  }

  /// How many streams are open.
  var open: Int { state.withLock { $0.open } }

  /// Takes a slot. Throws a problem of status 503 or 429 if there is none left.
  func take(_ caller: String) throws(HTTPProblem) -> Slot {
    let problem: HTTPProblem? = state.withLock { state in
      if state.open >= limit {
        return HTTPProblem(.serviceUnavailable, "There are \(limit) event streams open, and no more are allowed.")
      }
      if state.byCaller[caller, default: 0] >= limitPerCaller {
        return HTTPProblem(.tooManyRequests, "You have \(limitPerCaller) event streams open, and may have no more.")
      }
      state.open += 1
      state.byCaller[caller, default: 0] += 1
      return nil
    }
    if let problem { throw problem.retryAfter(.seconds(10)) }
    return Slot(self, caller)
  }

  private func release(_ caller: String) {
    state.withLock { state in
      state.open -= 1
      let left = state.byCaller[caller, default: 1] - 1
      state.byCaller[caller] = left == 0 ? nil : left
    }
  }
}
