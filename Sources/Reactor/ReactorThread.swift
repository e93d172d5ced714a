import CEpoll
import Glibc
import Synchronization

/// A thread that runs one closure, with every signal blocked, so that signals go to the threads that expect them.
final class ReactorThread: Sendable {
  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private let handle = Mutex<pthread_t?>(nil)

  func start(name: String, _ body: @escaping @Sendable () -> Void) throws(ReactorError) {
    let start = Unmanaged.passRetained(Start(name, body))
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { pointer in
        if let pointer { ReactorThread.run(Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue()) }
        return nil
      }, start.toOpaque())
    guard failure == 0 else {
      start.release()
      throw .unavailable("pthread_create", failure)
    }
    handle.withLock { $0 = thread }
  }

  /// Waits for the thread, or lets it end on its own if it is the caller. Only the first call does anything.
  func end(isOnThread: Bool) {
    guard let thread = handle.withLock({ $0.take() }) else { return }
    if isOnThread { pthread_detach(thread) } else { pthread_join(thread, nil) }
  }

  private static func run(_ start: Start) {
    mainstay_name_thread(start.name)
    start.body()
  }
}
