import Glibc

/// A folder with files of a test's own, removed with the last reference to it.
public final class TemporaryFolder: Sendable {
  /// Why a folder or a file cannot be written.
  public struct Failure: Error, CustomStringConvertible {
    /// What could not be written, and the system's reason.
    public let description: String

    init(_ path: String) { description = "\(path) cannot be written: \(String(cString: strerror(errno)))" }
  }

  /// Where it is.
  public let path: String

  /// Makes a folder.
  /// - Parameter files: Texts by their paths in it; folders on the way are made.
  public init(_ files: [String: String] = [:]) throws {
    var template = Array("/tmp/mainstay-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure("/tmp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    for (name, text) in files { try write(name, text) }
  }

  deinit { Self.remove(path) }

  /// Writes a file; folders on the way are made.
  public func write(_ name: String, _ text: String) throws {
    var folder = path
    for part in name.split(separator: "/").dropLast() {
      folder += "/" + part
      mkdir(folder, 0o700)
    }
    guard let file = fopen("\(path)/\(name)", "w") else { throw Failure("\(path)/\(name)") }
    defer { fclose(file) }
    guard fputs(text, file) >= 0 else { throw Failure("\(path)/\(name)") }
  }

  /// Removes a file, or a folder with all that is in it.
  public func remove(_ name: String) { Self.remove("\(path)/\(name)") }

  /// The text of a file; nil if there is none.
  public func read(_ name: String) -> String? {
    guard let file = fopen("\(path)/\(name)", "r") else { return nil }
    defer { fclose(file) }
    var (text, piece) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { text += piece[..<count] }
    return String(decoding: text, as: UTF8.self)
  }

  /// What stands directly in it, in order.
  public var names: [String] { Self.names(in: path) }

  /// What stands directly in a folder.
  static func names(in folder: String) -> [String] {
    guard let handle = opendir(folder) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes a file, a link, or a folder with all that is in it.
  private static func remove(_ path: String) {
    if unlink(path) == 0 { return }
    for name in names(in: path) { remove("\(path)/\(name)") }
    rmdir(path)
  }
}
