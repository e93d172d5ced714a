import CEpoll
import Glibc

/// A thread of the system that runs one closure, with every signal blocked, so that signals go to the threads that expect
/// them.
struct SystemThread: Sendable {
  private let handle: pthread_t

  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts it; either `join` or `detach` is to be called, once.
  static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(ReactorError) -> SystemThread {
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
        if let pointer { SystemThread.run(Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue()) }
        return nil
      }, start.toOpaque())
    guard failure == 0 else {
      start.release()
      throw .unavailable("pthread_create", failure)
    }
    return SystemThread(handle: thread)
  }

  /// Waits for its end.
  func join() { pthread_join(handle, nil) }

  /// Lets it end on its own.
  func detach() { pthread_detach(handle) }

  private static func run(_ start: Start) {
    mainstay_name_thread(start.name)
    start.body()
  }
}
