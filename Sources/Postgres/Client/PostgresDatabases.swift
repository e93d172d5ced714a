public import MainstayKernel

/// The databases of a host, by their names in its configuration. The default one is called `postgres`.
public struct PostgresDatabases: Sendable {
  private let databases: [String: PostgresDatabase]

  /// Databases by their names.
  public init(_ databases: [PostgresDatabase]) {
    self.databases = Dictionary(databases.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The names, in order.
  public var names: [String] { databases.keys.sorted() }

  /// The database of that name; nil if there is none.
  public subscript(name: String) -> PostgresDatabase? { databases[name] }

  /// The database of that name.
  /// - Throws: An error that lists the names there are.
  public func named(_ name: String) throws(PostgresError) -> PostgresDatabase {
    guard let database = databases[name] else {
      let known = names.isEmpty ? "there is none" : "there are: \(names.joined(separator: ", "))"
      throw PostgresError(.misuse, "there is no database '\(name)'; \(known)")
    }
    return database
  }
}

extension Capability where Value == PostgresDatabase {
  /// The host's default database: `plugins.pool.postgres` in its manifest.
  public static var postgres: Self { Self("postgres") }
}

extension Capability where Value == PostgresDatabases {
  /// All databases of the host: the default one and those under `plugins.pool.databases`.
  public static var postgresDatabases: Self { Self("postgres_databases") }
}
