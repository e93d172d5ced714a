/// Opens, tries and closes the connections of a pool. None of it is called under the pool's lock.
public protocol PooledConnectionFactory<Connection>: Sendable {
  /// What the pool holds.
  associatedtype Connection: AnyObject & Sendable

  /// Opens a connection that is ready for use, by the deadline.
  /// - Parameter onDeath: To be called when the other side closes the connection, at any time and from any thread, also
  ///   before this function returns. More than one call does nothing more.
  func connect(
    deadline: ContinuousClock.Instant, onDeath: @escaping @Sendable () -> Void
  ) async throws -> Connection

  /// Whether a connection still works, asked after a long idle time. It is closed if the answer is no, or comes later than a
  /// second after the deadline.
  func validate(_ connection: Connection, deadline: ContinuousClock.Instant) async -> Bool

  /// In what state a connection came back. Asked at each return: it must not wait.
  func condition(of connection: Connection) -> PooledConnectionCondition

  /// Brings a connection that is `.untidy` back into the state of a fresh one; false if that fails.
  func tidy(_ connection: Connection, deadline: ContinuousClock.Instant) async -> Bool

  /// Closes a connection. Its user may still have it, if it was taken away for being used for too long.
  func close(_ connection: Connection) async

  /// What tells connections apart that are near to different callers, such as the number of the thread on which it lives;
  /// nil if all are alike. Asked once, when it is open.
  func affinity(of connection: Connection) -> Int?

  /// Which connections are nearest to the calling thread: one of those, if one is idle, is lent before any other. Asked at each
  /// use of the pool: it must not wait.
  var affinity: Int? { get }

  /// Whether trying again cannot help after this error: a wrong password, a database that does not exist.
  func isHopeless(_ error: any Error) -> Bool
}

extension PooledConnectionFactory {
  /// No error is.
  public func isHopeless(_ error: any Error) -> Bool { false }

  /// All connections are alike.
  public func affinity(of connection: Connection) -> Int? { nil }

  /// The caller is equally near to all.
  public var affinity: Int? { nil }

  /// There is nothing to tidy.
  public func tidy(_ connection: Connection, deadline: ContinuousClock.Instant) async -> Bool { false }
}

/// In what state a connection came back.
public enum PooledConnectionCondition: Sendable, Hashable {
  /// The next one may use it.
  case reusable
  /// The next one may use it after it was tidied: a transaction is open, for instance.
  case untidy
  /// Nobody may use it again.
  case broken
}
