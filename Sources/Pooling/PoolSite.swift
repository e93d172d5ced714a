/// The place in the source that took a connection.
public struct PoolSite: Sendable, Hashable, CustomStringConvertible {
  /// `Module/File.swift`
  public let file: StaticString
  /// The line.
  public let line: UInt

  /// A place.
  @inlinable
  public init(file: StaticString, line: UInt) {
    self.file = file
    self.line = line
  }

  /// `Module/File.swift:12`
  public var description: String { "\(file):\(line)" }

  /// Whether they are the same place.
  public static func == (left: Self, right: Self) -> Bool {
    left.line == right.line && left.file.description == right.file.description
  }

  /// Hashes the place.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(line)
    hasher.combine(file.description)
  }
}
