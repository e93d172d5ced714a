import Synchronization

/// How many operations may be in their retries at a time, in the whole host.
public final class RetryLimit: Sendable {
  /// The most operations at a time.
  public let limit: Int
  private let count = Atomic<Int>(0)

  /// A limit.
  public init(_ limit: Int = 100) { self.limit = max(0, limit) }

  /// How many operations are in their retries now.
  public var current: Int { count.load(ordering: .relaxed) }

  /// A place; nil if all are taken.
  func enter() -> Place? {
    if count.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return Place(limit: self) }
    count.wrappingSubtract(1, ordering: .relaxed)
    return nil
  }

  /// A place among the operations that are retried. It is free again when this value ends.
  struct Place: ~Copyable, Sendable {
    private let limit: RetryLimit

    fileprivate init(limit: RetryLimit) { self.limit = limit }

    deinit { limit.count.wrappingSubtract(1, ordering: .relaxed) }
  }
}
