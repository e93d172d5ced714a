/// How a connection behaves, beside the options that libpq has words for.
public struct PostgresConnectionSettings: Sendable {
  /// Time for a connection to be made: lookup of the name, connect, TLS and authentication together. An earlier deadline of
  /// the caller counts.
  public var connectTimeout: Duration = .seconds(5)
  /// Time for a statement without a deadline of its own; nil for no limit.
  public var statementTimeout: Duration? = .seconds(15)
  /// Time from the cancellation of a statement until it has ended; after it the connection is closed.
  public var cancelGrace: Duration = .seconds(1)
  /// How many prepared statements the server keeps for the connection. With 0 no statement has a name, and the connection
  /// behaves as behind a pooler of mode `transaction`.
  public var statementCacheCapacity = 256
  /// What stands between the connection and the server.
  public var pooler = PostgresPooler.detected
  /// What the connections to the same place have found out about a pooler, if they tell each other.
  var poolerSign: PoolerSign?
  /// How many bytes of rows or of COPY data may wait for a slow reader before the socket is no longer read.
  public var streamBufferLimit = 1 << 20
  /// How many bytes the results of a call may take that are not streamed, or one row of a stream; nil for no limit. While a
  /// result is coming, what has been read from the socket counts, of which libpq makes more: up to four times as much where
  /// rows hold little but nulls, next to nothing where they hold texts.
  public var maxResultSize: Int? = 256 << 20
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

/// What stands between a connection and its server: a pooler may hand out another server connection for each transaction.
///
/// There prepared statements get lost. And nothing may be sent before everything before it has been answered: PgBouncer gives
/// a server connection back as soon as no answer is due any more, although it may have passed on a part of what comes next;
/// whoever gets that server connection then gets answers that are not their own.
public enum PostgresPooler: String, Sendable, Hashable, CaseIterable {
  /// A pooler is recognised by the number of the session's process, which it makes up; it is treated as `transaction`.
  case detected = "detect"
  /// None, or one that keeps the server connection for as long as the client's: statements are prepared, and sent without
  /// waiting for the answers to those before.
  case session
  /// One that hands out another server connection for each transaction.
  case transaction

  /// The largest process id that a kernel gives (PID_MAX_LIMIT of Linux, proc(5); other systems stay far below). PgBouncer
  /// and its like send 32 random bits instead, one in a thousand of which is as small: hence `PoolerSign`.
  private static let largestProcessID: Int32 = 4_194_304

  /// Whether statements must do without names and wait for each other.
  func changesServers(backendProcessID: Int32) -> Bool {
    switch self {
    case .detected: backendProcessID <= 0 || backendProcessID > Self.largestProcessID
    case .session: false
    case .transaction: true
    }
  }
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
