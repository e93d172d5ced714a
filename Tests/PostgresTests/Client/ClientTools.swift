import MainstayPooling
import MainstayPostgres
import MainstayReactor

/// Connections of the client's tests, all on one reactor.
enum ClientTools {
  private static let reactor = Result { try Reactor(name: "client-tests") }

  static func options() throws -> PostgresOptions {
    try PostgresOptions(parsing: PostgresServer.shared.get().connectionString)
  }

  static func connect() async throws -> PostgresConnection {
    try await PostgresConnection.connect(try options(), on: try reactor.get())
  }

  static func database(
    connections: Int, options: PostgresOptions? = nil, batchSize: Int = 2_000, meter: (any PostgresMeter)? = nil
  ) throws -> PostgresDatabase {
    var settings = PoolSettings()
    settings.max = connections
    return try PostgresDatabase(
      name: "tests", options: try options ?? self.options(), pool: settings, reactors: [try reactor.get()],
      batchSize: batchSize,
      meter: meter)
  }

  /// A table of one test's own.
  static func table(_ connection: PostgresConnection, _ columns: String) async throws -> String {
    let name = "t_\(UInt64.random(in: 0 ... .max))"
    try await connection.script("CREATE TABLE \(name) (\(columns))")
    return name
  }
}
