import MainstayKernel
import Synchronization

/// Lets a number of calls through at a time, and a number of others wait for their turn.
///
/// So that one slow callee cannot take every connection, task and byte of the host.
public final class Bulkhead: Sendable {
  /// How a bulkhead is.
  public struct Status: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// The most calls at a time.
    public let limit: Int
    /// Calls under way.
    public let inUse: Int
    /// Calls that wait.
    public let queued: Int
    /// Refused calls since the beginning.
    public let rejected: UInt64
  }

  private enum Turn: Sendable { case granted, timedOut, cancelled }

  private struct State {
    var machine: BulkheadMachine
    var waiters: [UInt64: OneShot<Turn>] = [:]
    var lastID: UInt64 = 0
  }

  /// The name, for messages.
  public let name: String
  /// The longest wait for a turn; nil for as long as it takes.
  public let wait: Duration?
  private let timer: DeadlineTimer
  private let state: Mutex<State>

  /// A bulkhead.
  /// - Parameters:
  ///   - limit: The most calls at a time.
  ///   - queue: The most calls that wait; further ones are refused.
  ///   - wait: The longest wait for a turn. A deadline of the call's context ends the wait too.
  public init(_ name: String, limit: Int, queue: Int = 0, wait: Duration? = nil, timer: DeadlineTimer) {
    self.name = name
    self.wait = wait
    self.timer = timer
    state = Mutex(State(machine: BulkheadMachine(limit: limit, queueLimit: queue)))
  }

  /// A place. It is free again when this value ends.
  public struct Permit: ~Copyable, Sendable {
    private let bulkhead: Bulkhead

    fileprivate init(bulkhead: Bulkhead) { self.bulkhead = bulkhead }

    /// Gives the place back.
    public consuming func release() {}

    deinit { bulkhead.release() }
  }

  /// Waits for a place.
  /// - Throws: ``CallRejection`` if there is none and the queue is full, or none in the time allowed;
  ///   `CancellationError`.
  public func acquire() async throws -> Permit {
    let turn = OneShot<Turn>()
    let (id, admission) = state.withLock { state in
      state.lastID &+= 1
      let admission = state.machine.enter(state.lastID)
      if admission == .queued { state.waiters[state.lastID] = turn }
      return (state.lastID, admission)
    }
    switch admission {
    case .entered: return Permit(bulkhead: self)
    case .full: throw CallRejection(.bulkheadFull, name: name)
    case .queued: break
    }
    switch await self.turn(id, turn) {
    case .granted: return Permit(bulkhead: self)
    case .timedOut: throw CallRejection(.bulkheadTimedOut, name: name)
    case .cancelled: throw CancellationError()
    }
  }

  /// Calls when there is a place.
  nonisolated(nonsending) public func run<Value>(_ call: () async throws -> Value) async throws -> Value {
    let permit = try await acquire()
    do {
      let value = try await call()
      permit.release()
      return value
    } catch {
      permit.release()
      throw error
    }
  }

  /// How it is.
  public var status: Status {
    state.withLock { state in
      Status(
        name: name, limit: state.machine.limit, inUse: state.machine.inUse, queued: state.machine.queued,
        rejected: state.machine.rejected)
    }
  }

  private func turn(_ id: UInt64, _ turn: OneShot<Turn>) async -> Turn {
    let now = timer.clock.now
    let due = [wait.map { now.advanced(by: $0) }, CallContext.current?.deadline].compactMap { $0 }.min()
    let deadline = due.map { timer.set($0) { [weak self] in self?.leave(id, .timedOut) } }
    defer { if let deadline { timer.cancel(deadline) } }
    return await withTaskCancellationHandler {
      await turn.wait()
    } onCancel: {
      leave(id, .cancelled)
    }
  }

  /// Takes a waiter out, unless it has been given a place: then it has it.
  private func leave(_ id: UInt64, _ reason: Turn) {
    let waiter = state.withLock { state in state.machine.leave(id) ? state.waiters.removeValue(forKey: id) : nil }
    waiter?.resume(reason)
  }

  fileprivate func release() {
    let next = state.withLock { state in
      state.machine.release().flatMap { state.waiters.removeValue(forKey: $0) }
    }
    next?.resume(.granted)
  }
}
