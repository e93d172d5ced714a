/// Runs actors on a reactor's thread: `reactor.serialExecutor`.
public final class ReactorSerialExecutor: SerialExecutor {
  private let loop: ReactorLoop

  init(_ loop: ReactorLoop) { self.loop = loop }

  /// Takes an actor's next step. Called by the Swift runtime.
  public func enqueue(_ job: consuming ExecutorJob) {
    loop.put(.actor(UnownedJob(job), self))
  }

  /// Makes `assumeIsolated` work on the reactor's thread where no task runs, as in a handler of events. Anywhere else it
  /// ends the process, which is what `assumeIsolated` promises.
  public func checkIsolated() {
    precondition(loop.isOnThread, "not on the reactor's thread")
  }

  /// Whether the caller runs on the reactor's thread.
  public func isIsolatingCurrentContext() -> Bool? { loop.isOnThread }
}
