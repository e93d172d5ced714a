import Synchronization

/// A random number generator that many calls may use at a time: the system's, or a seeded one in tests.
public final class SharedGenerator: RandomNumberGenerator, Sendable {
  private let generator: Mutex<any RandomNumberGenerator & Sendable>

  /// Shares a generator.
  public init(_ generator: sending any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
    self.generator = Mutex(generator)
  }

  /// The next random bits.
  public func next() -> UInt64 { generator.withLock { $0.next() } }
}
