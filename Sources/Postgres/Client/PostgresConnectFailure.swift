/// Why a server could not be connected to, told so that whoever runs the host knows what to do.
struct PostgresConnectFailure {
  private let failure: PostgresError
  private let options: PostgresOptions
  private let endpoint: PostgresOptions.Endpoint

  init(_ error: PostgresError, _ options: PostgresOptions, _ endpoint: PostgresOptions.Endpoint) {
    failure = error
    self.options = options
    self.endpoint = endpoint
  }

  /// `cannot connect to db.internal:5432, database 'clinic', as 'app': … Look whether …`
  var error: PostgresError {
    let user = options.user.map { ", as '\($0)'" } ?? ""
    let database = (options.database ?? options.user).map { ", database '\($0)'" } ?? ""
    let text = failure.message
    let stop = text.hasSuffix(".") ? "" : "."
    return PostgresError(
      failure.code == .timedOut ? .timedOut : .connect,
      "cannot connect to \(endpoint)\(database)\(user): \(text)\(stop) \(Self.remedy(for: failure))", cause: failure)
  }

  /// One error for all servers.
  static func all(_ failures: [PostgresError]) -> PostgresError {
    guard failures.count != 1 else { return failures[0] }
    let message = failures.map(\.message).joined(separator: "; ")
    return PostgresError(
      .connect, "none of \(failures.count) servers can be used: \(message)", cause: Several(failures: failures))
  }

  /// What came of several servers, in their order.
  struct Several: Error {
    let failures: [PostgresError]
  }

  /// What libpq says is all there is to tell refusals apart: it keeps no state for a connection that did not come about.
  private static let causes: [(words: String, isHopeless: Bool, remedy: String)] = [
    ("password authentication failed", true, "Check user and password"),
    ("no password supplied", true, "Give a password in the URL, or in a file named by `passfile`"),
    ("no pg_hba.conf entry", true, "Let this client in with a line in the server's pg_hba.conf"),
    ("Peer authentication failed", true, "Use the operating system's user of that name, or a password over TCP"),
    (
      "root certificate file", true,
      "Give the server's authority as `sslrootcert`, or set `ssl: require`, which looks at no certificate"
    ),
    ("does not match host name", true, "Connect by the name that is in the server's certificate"),
    ("valid client certificate", true, "Give a certificate of the user's as `sslcert` and `sslkey`"),
    ("certificate authentication failed", true, "Give a certificate of the user's as `sslcert` and `sslkey`"),
    ("does not exist", true, "Create it, or correct the URL"),
    ("bouncer config error", true, "Look at the pooler's log; the database or the user may be missing in its settings"),
    ("no such database", true, "Correct the URL, or add the database to the pooler's [databases]"),
    ("no such user", true, "Correct the URL, or add the user to the pooler's auth_file"),
    ("unsupported startup parameter", true, "Leave it out, or add it to the pooler's ignore_startup_parameters"),
    ("permission denied for database", true, "Grant CONNECT to the user"),
    (
      "certificate verify failed", true,
      "Give the server's authority as `sslrootcert`, or correct the server's certificate"
    ),
    ("does not support SSL", true, "Set `ssl: disable`, or switch SSL on at the server"),
    ("Connection refused", false, "Start the server, or correct host and port in the URL"),
    ("No such file or directory", false, "Start the server, or correct the socket's folder in the URL"),
    ("could not translate host name", false, "Correct the host in the URL, or look at the name service"),
    ("too many clients", false, "Lower `max` in all hosts, or raise the server's max_connections"),
    ("remaining connection slots", false, "Lower `max` in all hosts, or raise the server's max_connections"),
    ("starting up", false, "It will take connections soon"),
    ("shutting down", false, "Start it again"),
    ("recovery mode", false, "It will take connections when it has recovered"),
    ("is not read-only", false, "It is the primary, and a standby is wanted (`target_session_attrs`)"),
    ("not in hot standby mode", false, "It is the primary, and a standby is wanted (`target_session_attrs`)"),
    ("read-only", false, "It is not the primary at present"),
    ("in hot standby mode", false, "It is not the primary at present"),
    ("no more connections allowed", false, "Lower `max` in all hosts, or raise the pooler's max_client_conn"),
  ]

  private static func cause(_ error: PostgresError) -> (words: String, isHopeless: Bool, remedy: String)? {
    causes.first { error.message.contains($0.words) }
  }

  private static func remedy(for error: PostgresError) -> String {
    if let known = cause(error) { return known.remedy }
    return error.code == .timedOut
      ? "Look whether the server is there and lets this machine in" : "Look at the server's log"
  }

  /// Whether the server has answered, and is only not what was asked for.
  static func isOfOtherRole(_ error: PostgresError) -> Bool {
    let words = (error.cause as? PostgresError ?? error).message
    return words.contains("hot standby mode") || words.contains("read-only")
  }

  /// Whether trying again cannot help, at any of the servers. A file that is missing may yet come.
  static func isHopeless(_ error: PostgresError) -> Bool {
    if let several = error.cause as? Several { return several.failures.allSatisfy { isHopeless($0) } }
    let last = error.cause as? PostgresError ?? error
    if last.message.contains("No such file or directory") { return false }
    return cause(last)?.isHopeless ?? (error.code == .options)
  }
}
