extension PostgresOptions {
  /// How a connection is encrypted and whom it trusts ("SSL Support" in libpq's manual).
  public enum SSLMode: String, Sendable, Hashable, CaseIterable {
    /// No encryption.
    case disable
    /// Encryption only if the server refuses without.
    case allow
    /// Encryption if the server has it; libpq's default.
    case prefer
    /// Encryption; the server's certificate is checked only if a root certificate is there.
    case require
    /// Encryption, and a certificate by a trusted authority.
    case verifyCA = "verify-ca"
    /// Encryption, and a certificate by a trusted authority for this host.
    case verifyFull = "verify-full"

    static var unknown: PostgresError {
      let modes = allCases.map(\.rawValue).joined(separator: ", ")
      return PostgresError(.options, "sslmode is one of \(modes); or true (require), false (disable)")
    }

    /// A mode by its name, or by a yes or no: `true`, `1`, `on`, `yes` mean `require`, their opposites `disable`.
    public init(parsing text: String) throws(PostgresError) {
      switch text.lowercased() {
      case "true", "1", "on", "yes": self = .require
      case "false", "0", "off", "no": self = .disable
      case let name:
        guard let mode = SSLMode(rawValue: name) else { throw SSLMode.unknown }
        self = mode
      }
    }
  }

  /// How the connection is encrypted; nil for libpq's default.
  public var sslMode: SSLMode? { self["sslmode"].flatMap(SSLMode.init(rawValue:)) }

  /// The name that the server shows in `pg_stat_activity`.
  public var applicationName: String? { self["application_name"] }

  /// `connect_timeout`. libpq itself heeds it only in its blocking functions.
  public var connectTimeout: Duration? {
    self["connect_timeout"].flatMap { Int32($0) }.flatMap { $0 > 0 ? .seconds($0) : nil }
  }

  /// The same options with another mode of encryption.
  public func with(sslMode: SSLMode) throws(PostgresError) -> PostgresOptions {
    try with("sslmode", sslMode.rawValue)
  }

  /// The same options with a name for `pg_stat_activity`, unless they have one.
  public func with(defaultApplicationName name: String) throws(PostgresError) -> PostgresOptions {
    applicationName == nil ? try with("application_name", name) : self
  }

  /// The same options with a limit for connecting, in whole seconds, rounded up.
  public func with(connectTimeout: Duration) throws(PostgresError) -> PostgresOptions {
    let (seconds, fraction) = connectTimeout.components
    let whole = PostgresOptions.clamped(seconds, to: .max - 1)
    return try with("connect_timeout", String(fraction > 0 ? whole + 1 : whole))
  }

  /// The same options with a limit for how long sent data may stay unacknowledged before the connection counts as
  /// lost, in milliseconds. Without it a network partition is noticed only after many minutes.
  public func with(tcpUserTimeout: Duration) throws(PostgresError) -> PostgresOptions {
    let (seconds, fraction) = tcpUserTimeout.components
    let milliseconds = PostgresOptions.clamped(seconds, to: .max / 1_000 - 1) * 1_000
    return try with("tcp_user_timeout", String(milliseconds + max(0, fraction) / 1_000_000_000_000_000))
  }

  /// The same options with a setting of the server for the whole session, such as `statement_timeout`, sent as
  /// `options=-cNAME=VALUE` when connecting.
  public func with(serverSetting name: String, _ value: String) throws(PostgresError) -> PostgresOptions {
    guard !name.isEmpty, name.utf8.allSatisfy(PostgresOptions.isOfSettingName) else {
      throw PostgresError(.options, "the name of a server setting has letters, digits, '_' and '.' only")
    }
    var escaped = ""
    for character in value {
      if character.isWhitespace || character == "\\" { escaped += "\\" }
      escaped.append(character)
    }
    let before = self["options"].map { "\($0) " } ?? ""
    return try with("options", "\(before)-c\(name)=\(escaped)")
  }

  private func with(_ keyword: String, _ value: String) throws(PostgresError) -> PostgresOptions {
    var options = self
    try options.set(keyword, to: value)
    return options
  }

  private static func isOfSettingName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."): true
    default: false
    }
  }

  private static func clamped(_ seconds: Int64, to most: Int32) -> Int64 { min(max(0, seconds), Int64(most)) }
}
