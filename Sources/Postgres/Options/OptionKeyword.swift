import CLibPQ

/// The connection keywords of the linked libpq.
enum OptionKeyword {
  /// Asked of libpq itself, so that a newer one's keywords are known too. Reads neither environment nor files.
  static let known: Set<String> = {
    guard let options = PQconninfoParse("", nil) else { return [] }
    defer { PQconninfoFree(options) }
    var names: Set<String> = []
    var option = options
    while let keyword = option.pointee.keyword {
      names.insert(String(cString: keyword))
      option += 1
    }
    return names
  }()

  static let isServer: Set<String> = ["host", "hostaddr", "port"]

  static func check(_ keyword: String) throws(PostgresError) {
    switch keyword {
    case let keyword where isServer.contains(keyword):
      throw PostgresError(.options, "'\(keyword)' is set by PostgresOptions.endpoints")
    case "service", "servicefile": throw PostgresError(.options, "service files are not read; give the values here")
    case let keyword where !known.contains(keyword): throw unknown(keyword)
    default: break
    }
  }

  static func check(_ value: String, of keyword: String) throws(PostgresError) {
    if value.utf8.contains(0) { throw PostgresError(.options, "the value of '\(keyword)' holds U+0000") }
    switch keyword {
    case "sslmode":
      guard PostgresOptions.SSLMode(rawValue: value) != nil else { throw PostgresOptions.SSLMode.unknown }
    case "client_encoding":
      guard ["UTF8", "UTF-8", "AUTO"].contains(value.uppercased()) else {
        throw PostgresError(.options, "client_encoding is always UTF8 here; remove it")
      }
    case "connect_timeout", "tcp_user_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count":
      guard let number = Int32(value), number >= 0 else {
        throw PostgresError(.options, "the value of '\(keyword)' is not a whole number of 0 or more")
      }
    default: break
    }
  }

  /// Words of other drivers that mean something else here.
  private static let remedies = [
    "schema": "set it by `options=-csearch_path=NAME`",
    "connection_limit": "the size of the pool is set by the pool", "pool_timeout": "timeouts are set by the pool",
    "pgbouncer": "say it in the pool's configuration", "sslcert_dir": "see sslcert, sslkey and sslrootcert",
  ]

  static func unknown(_ keyword: String) -> PostgresError {
    let remedy = remedies[keyword].map { "; \($0)" } ?? ""
    return PostgresError(.options, "libpq knows no connection keyword '\(keyword)'\(remedy)")
  }
}
