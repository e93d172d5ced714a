import Glibc

/// Where the configuration's files are read from: the disk, or a test.
public protocol ConfigFileReader: Sendable {
  /// The directory that relative paths start from, absolute.
  var workingDirectory: String { get }
  /// The bytes of a file. Must not read more than `limit`.
  func read(_ path: String, limit: Int) throws(ConfigFileError) -> [UInt8]
}

/// Why a file cannot be read.
public enum ConfigFileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// There is no such file.
  case notFound
  /// The process may not read it.
  case notPermitted
  /// It is a directory, a socket, a pipe.
  case notAFile
  /// It has more bytes than the limit.
  case tooLarge(limit: Int)
  /// What the system says.
  case failed(String)

  /// What is wrong with the file: `does not exist`.
  public var description: String {
    switch self {
    case .notFound: "does not exist"
    case .notPermitted: "cannot be read: permission denied"
    case .notAFile: "is not a regular file"
    case .tooLarge(let limit): "is larger than \(ByteCount(bytes: limit))"
    case .failed(let reason): "cannot be read: \(reason)"
    }
  }
}

/// Files on the disk.
public struct DiskFiles: ConfigFileReader {
  /// Reads from the disk.
  public init() {}

  /// The process's working directory.
  public var workingDirectory: String {
    guard let path = getcwd(nil, 0) else { return "/" }
    defer { free(path) }
    return String(cString: path)
  }

  /// Reads a regular file.
  public func read(_ path: String, limit: Int) throws(ConfigFileError) -> [UInt8] {
    // Non-blocking, so that opening a pipe does not wait for its writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Self.error(errno) }
    defer { _ = close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.error(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
    return try Self.bytes(of: descriptor, limit: limit)
  }

  private static func bytes(of descriptor: Int32, limit: Int) throws(ConfigFileError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw error(errno) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      if bytes.count > limit { throw .tooLarge(limit: limit) }
    }
  }

  private static func error(_ code: Int32) -> ConfigFileError {
    switch code {
    case ENOENT, ENOTDIR: .notFound
    case EACCES, EPERM: .notPermitted
    default: .failed(String(cString: strerror(code)))
    }
  }
}

/// Files in memory, by absolute path; the working directory is `/`.
public struct InMemoryFiles: ConfigFileReader, ExpressibleByDictionaryLiteral {
  private let files: [String: [UInt8]]

  /// Files with their texts. A relative path is taken from `/`.
  public init(_ files: [String: String]) { self.init(bytes: files.mapValues { Array($0.utf8) }) }

  /// Files with their texts.
  public init(dictionaryLiteral elements: (String, String)...) {
    self.init(Dictionary(elements, uniquingKeysWith: { _, last in last }))
  }

  /// Files with their bytes.
  public init(bytes files: [String: [UInt8]]) {
    self.files = Dictionary(
      files.map { (FilePath.absolute($0.key, in: "/"), $0.value) }, uniquingKeysWith: { _, last in last })
  }

  /// `/`
  public var workingDirectory: String { "/" }

  /// The bytes of a file.
  public func read(_ path: String, limit: Int) throws(ConfigFileError) -> [UInt8] {
    guard let bytes = files[FilePath.absolute(path, in: "/")] else { throw .notFound }
    guard bytes.count <= limit else { throw .tooLarge(limit: limit) }
    return bytes
  }
}

/// Paths as text.
enum FilePath {
  /// The path from the root, without `.` and `..`.
  static func absolute(_ path: String, in directory: String) -> String {
    let full = path.hasPrefix("/") ? path : directory + "/" + path
    var parts: [Substring] = []
    for part in full.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// A path that stands in a file, seen from where the file's own path is seen from.
  static func relative(_ path: String, to file: String) -> String {
    guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
    return file[...slash] + path
  }

  /// `host.yaml` and `production` → `host.production.yaml`.
  static func sibling(of file: String, profile: String) -> String {
    let start = file.lastIndex(of: "/").map { file.index(after: $0) } ?? file.startIndex
    guard let dot = file[start...].lastIndex(of: "."), dot > start else { return "\(file).\(profile)" }
    return "\(file[..<dot]).\(profile)\(file[dot...])"
  }
}
