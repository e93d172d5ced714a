/// Why a pool gave no connection: a code to act on, and a message that says what, where and what to do.
public struct PoolError: Error, Sendable, CustomStringConvertible {
  /// What kind of refusal it is.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Base: String, Sendable {
      case timedOut, queueFull, displaced, tenantQueueFull, nestedAcquire, unavailable, shutDown, cancelled, reclaimed
    }

    private let base: Base

    private init(_ base: Base) { self.base = base }

    /// No connection came free before the deadline.
    public static let timedOut = Code(.timedOut)
    /// As many callers wait as may.
    public static let queueFull = Code(.queueFull)
    /// A more urgent caller took the place of this one, because as many wait as may.
    public static let displaced = Code(.displaced)
    /// As many callers of the tenant wait as may.
    public static let tenantQueueFull = Code(.tenantQueueFull)
    /// The caller holds a connection of this pool and would wait for another one that may never come free.
    public static let nestedAcquire = Code(.nestedAcquire)
    /// No connection can be opened.
    public static let unavailable = Code(.unavailable)
    /// The pool is being closed.
    public static let shutDown = Code(.shutDown)
    /// The task was cancelled while it waited.
    public static let cancelled = Code(.cancelled)
    /// The connection was in use for too long and was taken away.
    public static let reclaimed = Code(.reclaimed)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// What kind of refusal it is.
  public let code: Code
  /// The pool.
  public let pool: String
  /// What happened, where, and what to do about it.
  public let message: String
  /// How long the caller had waited.
  public let waited: Duration
  /// The connections longest in use at that moment, where that helps to understand the error.
  public let holders: [PoolHolder]
  /// The error behind it, if there is one: for `unavailable` that of the last try to connect.
  public let cause: (any Error)?

  init(
    _ code: Code, pool: String, _ message: String, waited: Duration = .zero, holders: [PoolHolder] = [],
    cause: (any Error)? = nil
  ) {
    self.code = code
    self.pool = pool
    self.message = message
    self.waited = waited
    self.holders = holders
    self.cause = cause
  }

  /// The message, and the cause.
  public var description: String {
    cause.map { "\(message): \($0)" } ?? message
  }
}

/// Who uses a connection.
public struct PoolHolder: Sendable, Hashable, CustomStringConvertible {
  /// The place that took it.
  public let site: PoolSite
  /// For how long it has been in use.
  public let held: Duration

  /// Somebody who uses a connection.
  public init(site: PoolSite, held: Duration) {
    self.site = site
    self.held = held
  }

  /// `Clinic/Reports.swift:40 for 12.3 s`
  public var description: String { "\(site) for \(held.seconds)" }
}

extension Duration {
  /// `12.3 s`, for messages.
  var seconds: String {
    let milliseconds = poolNanoseconds / 1_000_000
    guard milliseconds >= 1_000 else { return "\(milliseconds) ms" }
    return "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100) s"
  }
}
