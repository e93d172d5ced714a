import Synchronization

/// Something that lasts until it is cancelled: an observer, a contribution, a timer.
///
/// Whatever a plugin opens through its context is cancelled by the kernel when the plugin stops, so the result may be
/// discarded; keep it only to cancel earlier.
public final class Subscription: Sendable {
  private let action: Mutex<(@Sendable () -> Void)?>

  /// A subscription that runs `action` once, when it is first cancelled.
  public init(_ action: @escaping @Sendable () -> Void) {
    self.action = Mutex(action)
  }

  /// Ends it. Further calls do nothing.
  public func cancel() {
    let action = self.action.withLock { action in
      let current = action
      action = nil
      return current
    }
    action?()
  }
}
