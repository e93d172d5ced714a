/// A stretch of a file. Lines and columns count from 1, columns in Unicode scalars; the end is exclusive.
public struct SourceMark: Sendable, Hashable, CustomStringConvertible {
  /// The file, as the user named it.
  public let file: String
  /// The first line.
  public let line: Int
  /// The first column.
  public let column: Int
  /// The last line.
  public let endLine: Int
  /// The column after the last one.
  public let endColumn: Int

  /// A stretch of a file; without an end it is one column wide.
  public init(file: String, line: Int, column: Int, endLine: Int? = nil, endColumn: Int? = nil) {
    self.file = file
    self.line = line
    self.column = column
    self.endLine = endLine ?? line
    self.endColumn = endColumn ?? column + 1
  }

  /// `host.yaml:7:5`
  public var description: String { "\(file):\(line):\(column)" }
}

/// Where a value of the configuration comes from.
public enum ConfigOrigin: Sendable, Hashable, CustomStringConvertible {
  /// The declaration of the field.
  case standard
  /// A file.
  case file(SourceMark)
  /// An environment variable of that name.
  case environment(String)
  /// `--set` on the command line, with the path it names. The value is left out: it may be a secret.
  case commandLine(String)

  /// `host.yaml:7:5`, `DB_POOL_MAX`, `--set pool.max`, `default`.
  public var description: String {
    switch self {
    case .standard: "default"
    case .file(let mark): mark.description
    case .environment(let name): name
    case .commandLine(let path): "--set \(path)"
    }
  }

  /// The stretch of a file it stands for, if it is one.
  public var mark: SourceMark? {
    if case .file(let mark) = self { mark } else { nil }
  }

  /// Whether the command line set it, which nothing outranks.
  var isCommandLine: Bool {
    if case .commandLine = self { true } else { false }
  }
}
