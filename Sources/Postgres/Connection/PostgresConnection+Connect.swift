public import MainstayReactor

extension PostgresConnection {
  /// Opens a connection to one server.
  ///
  /// - Parameters:
  ///   - endpoint: the server, one of the options'; the first one if it is left out.
  ///   - reactor: where the connection lives. Whatever libpq can be made to wait for does not block it.
  ///   - deadline: when to give up, if that comes before `connectTimeout`.
  public static func connect(
    _ options: PostgresOptions, to endpoint: PostgresOptions.Endpoint? = nil,
    settings: PostgresConnectionSettings = PostgresConnectionSettings(),
    handlers: PostgresConnectionHandlers = PostgresConnectionHandlers(), on reactor: Reactor,
    deadline: MonotonicInstant = .distantFuture
  ) async throws(PostgresError) -> PostgresConnection {
    try await connect(
      options, to: endpoint, settings: settings, handlers: handlers, on: reactor, deadline: deadline, names: .system)
  }

  static func connect(
    _ options: PostgresOptions, to endpoint: PostgresOptions.Endpoint?, settings: PostgresConnectionSettings,
    handlers: PostgresConnectionHandlers, on reactor: Reactor, deadline: MonotonicInstant, names: NameLookup
  ) async throws(PostgresError) -> PostgresConnection {
    if Task.isCancelled { throw .cancelled }
    let attempt = ConnectAttempt(
      options, endpoint ?? options.endpoints[0], settings, handlers, on: reactor,
      deadline: min(deadline, .now.advanced(by: settings.connectTimeout)), names: names)
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in reactor.submit { attempt.start(continuation) } }
    } onCancel: {
      reactor.submit { attempt.cancel() }
    }
    return try result.get()
  }
}
