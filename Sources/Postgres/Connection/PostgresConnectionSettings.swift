/// How a connection behaves, beside the options that libpq has words for.
public struct PostgresConnectionSettings: Sendable {
  /// Time for a connection to be made: lookup of the name, connect, TLS and authentication together. An earlier deadline of
  /// the caller counts.
  public var connectTimeout: Duration = .seconds(5)
  /// Time for a statement without a deadline of its own; nil for no limit.
  public var statementTimeout: Duration? = .seconds(15)
  /// Time from the cancellation of a statement until it has ended; after it the connection is closed.
  public var cancelGrace: Duration = .seconds(1)
  /// How many prepared statements the server keeps for the connection. With 0 no statement has a name, as behind a pooler
  /// that hands out another server connection for each transaction.
  public var statementCacheCapacity = 256
  /// How many bytes of rows or of COPY data may wait for a slow reader before the socket is no longer read.
  public var streamBufferLimit = 1 << 20
  /// How many statements may be under way or wait on the connection; more are refused.
  public var queueLimit = 4096
  /// Seconds without traffic before the system asks whether the other side is still there, seconds between two questions,
  /// and how many may stay unanswered; used where the options do not say otherwise.
  public var keepalives = (idle: 30, interval: 5, count: 3)
  /// How long sent data may stay unacknowledged before the system gives the connection up; used where the options do not say
  /// otherwise.
  public var tcpUserTimeout: Duration = .seconds(10)

  /// The defaults.
  public init() {}
}

/// Who is told of what a connection hears without having asked. Called on the reactor's thread; must not block.
public struct PostgresConnectionHandlers: Sendable {
  /// A notification of a channel that the session listens to.
  public var onNotification: (@Sendable (PostgresNotification) -> Void)?
  /// A notice or warning of the server.
  public var onNotice: (@Sendable (PostgresError) -> Void)?
  /// The connection has ended, for whatever reason; called once. An idle connection notices at once.
  public var onClosed: (@Sendable (PostgresError) -> Void)?
  /// Who counts statements; not called on the reactor's thread alone.
  public var meter: (any PostgresMeter)?

  /// Nobody, or those who are given.
  public init(
    onNotification: (@Sendable (PostgresNotification) -> Void)? = nil,
    onNotice: (@Sendable (PostgresError) -> Void)? = nil,
    onClosed: (@Sendable (PostgresError) -> Void)? = nil,
    meter: (any PostgresMeter)? = nil
  ) {
    self.onNotification = onNotification
    self.onNotice = onNotice
    self.onClosed = onClosed
    self.meter = meter
  }
}

/// What `NOTIFY` sent.
public struct PostgresNotification: Sendable, Hashable {
  /// The channel's name.
  public let channel: String
  /// The text, empty if there is none.
  public let payload: String
  /// The process id of the server's session that sent it.
  public let backendProcessID: Int32
}
