/// The environment variables that set a field: `environment: "DB_POOL_MIN"`, `environment: .milliseconds("TIMEOUT")`.
///
/// Several names may set one field (`["DB_POOL_MAX", "DATABASE_CONNECTION_LIMIT"]`): the first that is set counts, and
/// a later one that says something else gives a warning. A variable that is empty counts as not set.
public struct EnvironmentBinding: Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
  enum Form: Sendable, Equatable {
    case plain
    case unit(String)
    case commaSeparated
  }

  /// The names, the one that counts first.
  public let names: [String]
  let form: Form

  private init(_ names: [String], _ form: Form) {
    self.names = names
    self.form = form
  }

  /// One variable, written as in the manifest.
  public init(stringLiteral name: String) { self.init([name], .plain) }

  /// Several variables, written as in the manifest.
  public init(arrayLiteral names: String...) { self.init(names, .plain) }

  /// A bare number is in milliseconds.
  public static func milliseconds(_ names: String...) -> EnvironmentBinding { EnvironmentBinding(names, .unit("ms")) }

  /// A bare number is in seconds.
  public static func seconds(_ names: String...) -> EnvironmentBinding { EnvironmentBinding(names, .unit("s")) }

  /// A bare number is in days.
  public static func days(_ names: String...) -> EnvironmentBinding { EnvironmentBinding(names, .unit("d")) }

  /// A bare number is in megabytes of 1,048,576 bytes.
  public static func megabytes(_ names: String...) -> EnvironmentBinding { EnvironmentBinding(names, .unit("MiB")) }

  /// Several values with commas between them.
  public static func commaSeparated(_ names: String...) -> EnvironmentBinding {
    EnvironmentBinding(names, .commaSeparated)
  }

  /// `DB_POOL_MAX or DATABASE_CONNECTION_LIMIT`, with the unit of a bare number.
  var summary: String {
    let list = names.joined(separator: " or ")
    switch form {
    case .plain: return list
    case .unit(let unit): return "\(list) (\(unit))"
    case .commaSeparated: return "\(list) (comma-separated)"
    }
  }

  /// What a variable's text means, as a part of the configuration.
  func tree(_ text: String, name: String) -> ConfigTree {
    let origin = ConfigOrigin.environment(name)
    switch form {
    case .plain: return ConfigTree(.scalar(ConfigScalar(text, style: .foreign)), origin: origin)
    case .unit(let unit):
      let isBare = text.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
      return ConfigTree(.scalar(ConfigScalar(isBare ? text + unit : text, style: .foreign)), origin: origin)
    case .commaSeparated:
      let items = text.split(separator: ",").map { trimmed($0) }.filter { !$0.isEmpty }
      return ConfigTree(
        .list(items.map { ConfigTree(.scalar(ConfigScalar($0, style: .foreign)), origin: origin) }), origin: origin)
    }
  }

  private func trimmed(_ text: Substring) -> String {
    let start = text.drop { $0.isWhitespace }
    return String(start.reversed().drop { $0.isWhitespace }.reversed())
  }
}
