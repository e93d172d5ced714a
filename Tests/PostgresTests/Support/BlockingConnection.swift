import CLibPQ
import Glibc
import MainstayPostgres

/// A connection by libpq's blocking functions, to try the values against a real server.
final class BlockingConnection {
  private let connection: OpaquePointer

  init(_ server: PostgresServer) throws {
    guard let connection = PQconnectdb(server.connectionString + " client_encoding=UTF8"),
      PQstatus(connection) == CONNECTION_OK
    else { throw Refused() }
    self.connection = connection
  }

  init(_ options: PostgresOptions) throws {
    let keywords = options.keywords(for: options.endpoints[0])
    let names = keywords.map { strdup($0.keyword) }
    let values = keywords.map { strdup($0.value) }
    defer { (names + values).forEach { free($0) } }
    guard
      let connection = PQconnectdbParams(
        names.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 0),
      PQstatus(connection) == CONNECTION_OK
    else { throw Refused() }
    self.connection = connection
  }

  /// A connection to the server that tests share.
  convenience init() throws { try self.init(PostgresServer.shared.get()) }

  deinit { PQfinish(connection) }

  struct Refused: Error {}

  /// Runs a statement with its parameters.
  func query(_ query: PostgresQuery) throws -> PostgresResult {
    let result = try query.parameters.withPointers { pointers in
      PQexecParams(
        connection, query.sql, pointers.count, pointers.types, pointers.values, pointers.lengths, pointers.formats,
        query.resultFormat.rawValue)
    }
    guard let result else { throw Refused() }
    let status = PQresultStatus(result)
    guard status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK else {
      defer { PQclear(result) }
      throw PostgresError(result: result)
    }
    return PostgresResult(taking: result)
  }
}
