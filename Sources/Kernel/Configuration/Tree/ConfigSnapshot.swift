import Glibc

/// The files of a configuration as they looked just before they were read, and what was read.
///
/// Looks at each file's identity, size and modification time. That also sees files which are replaced through a symbolic
/// link, as Kubernetes does with mounted configuration, where watching the inode would not.
struct ConfigSnapshot: Sendable {
  private struct File: Sendable {
    let look: Look?
    /// A hash of the bytes; nil if there were none to read.
    var content: Int?
  }

  /// What `stat` says; two that are equal are of a file that has not changed.
  private struct Look: Sendable, Hashable {
    let inode: UInt
    let size: Int
    let seconds: Int
    let nanoseconds: Int
  }

  private var files: [String: File] = [:]

  /// Looks at a file that is about to be read, unless it has been looked at before.
  mutating func look(at path: String) {
    if files[path] == nil { files[path] = File(look: Self.look(path)) }
  }

  /// Notes what was read from a file.
  mutating func note(_ bytes: [UInt8], from path: String) { files[path]?.content = bytes.hashValue }

  /// Takes over the files of an older snapshot that are missing here.
  mutating func keep(_ older: ConfigSnapshot) { files.merge(older.files) { present, _ in present } }

  /// Whether any file does not look any more as it did.
  var isOutdated: Bool { files.contains { Self.look($0.key) != $0.value.look } }

  /// The files that do not look any more as they did.
  var outdated: [String] { files.filter { Self.look($0.key) != $0.value.look }.keys.sorted() }

  /// The same files as they look now.
  var now: ConfigSnapshot {
    var snapshot = ConfigSnapshot()
    for path in files.keys { snapshot.look(at: path) }
    return snapshot
  }

  /// Whether everything that the other snapshot has read, this one has read just so.
  func hasRead(_ other: ConfigSnapshot) -> Bool {
    other.files.allSatisfy { path, file in files[path].map { $0.content == file.content } ?? false }
  }

  private static func look(_ path: String) -> Look? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Look(
      inode: UInt(status.st_ino), size: Int(status.st_size), seconds: status.st_mtim.tv_sec,
      nanoseconds: status.st_mtim.tv_nsec)
  }
}
