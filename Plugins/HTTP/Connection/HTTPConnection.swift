import MainstayHTTP
import NIOCore
import Synchronization

/// One connection, as tasks and other threads see it. Its state is its handler's, on its event loop.
final class HTTPConnection: RequestConnection {
  let channel: any Channel
  let remoteAddress: String?
  /// Whether a request has come on it.
  let hasSpoken = Atomic<Bool>(false)

  private struct Tasks {
    var handler: NIOLoopBound<ConnectionHandler>?
    var task: Task<Void, Never>?
    var isCancelled = false
  }

  private let tasks = Mutex(Tasks())

  init(channel: any Channel) {
    self.channel = channel
    remoteAddress = channel.remoteAddress?.ipAddress
  }

  func attach(_ handler: ConnectionHandler) {
    let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
    tasks.withLock { $0.handler = bound }
  }

  /// The channel is over. Without this, connection and handler would keep each other for ever.
  func detach() {
    let handler = tasks.withLock { tasks in
      defer { tasks.handler = nil }
      return tasks.handler
    }
    withExtendedLifetime(handler) {}
  }

  func run(_ body: @escaping @Sendable () async -> Void) {
    let task = Task { await body() }
    let isCancelled = tasks.withLock { tasks in
      tasks.task = task
      return tasks.isCancelled
    }
    if isCancelled { task.cancel() }
  }

  /// Tells the handler that nobody waits for its response any more.
  func cancel() {
    let task = tasks.withLock { tasks in
      tasks.isCancelled = true
      return tasks.task
    }
    task?.cancel()
  }

  func proceed() { onLoop { $0.proceed() } }

  func allow(_ time: Duration) {
    let amount = TimeAmount(time)
    onLoop { $0.allow(amount) }
  }

  /// Closes the connection if no request is in progress.
  func closeIfIdle() { onLoop { $0.closeIfIdle() } }

  /// Closes the connection, whatever it does.
  func abort() {
    cancel()
    channel.close(promise: nil)
  }

  private func onLoop(_ body: @escaping @Sendable (ConnectionHandler) -> Void) {
    guard let handler = tasks.withLock({ $0.handler }) else { return }
    channel.eventLoop.execute { body(handler.value) }
  }
}
