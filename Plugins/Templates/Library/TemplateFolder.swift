import Glibc
import MainstayKernel

/// The files of a folder, and what they looked like when they were read. Links out of the folder are not followed.
struct TemplateFolder: Sendable {
  /// What tells one state of a file from another.
  struct Stamp: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
    let size: Int64
    let seconds: Int
    let nanoseconds: Int

    /// By the time of the last change of anything, also of who may read it: that cannot be set back.
    init(_ status: stat) {
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
      size = Int64(status.st_size)
      seconds = status.st_ctim.tv_sec
      nanoseconds = status.st_ctim.tv_nsec
    }
  }

  /// The most files, and the most bytes in one of them.
  static let mostFiles = 5000
  static let mostBytes = 1 << 20
  /// How deep folders may lie.
  static let deepest = 16

  let root: String
  /// Whether it may be missing, as a folder that nobody has asked for may.
  var isOptional = false

  /// Whether it is there.
  var exists: Bool { Self.resolved(root) != nil }

  /// Every file below the folder, by its path there.
  func stamps() throws(TemplateLibraryError) -> [String: Stamp] {
    guard let base = Self.resolved(root) else {
      if isOptional { return [:] }
      throw TemplateLibraryError("the folder \(root) does not exist; create it, or set plugins.templates.folders")
    }
    var found: [String: Stamp] = [:]
    try scan(base, "", base, [], &found)
    return found
  }

  /// Adds what is in a folder. `outer` are the folders around it, so that a link to one of them is not followed in circles.
  private func scan(
    _ folder: String, _ prefix: String, _ base: String, _ outer: [String], _ found: inout [String: Stamp]
  ) throws(TemplateLibraryError) {
    guard let own = Self.resolved(folder), !outer.contains(own), outer.count < Self.deepest,
      let handle = opendir(folder)
    else { return }
    defer { closedir(handle) }
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix(".") || name.hasSuffix("~") { continue }
      let path = "\(folder)/\(name)"
      guard let status = Self.status(of: path, below: base) else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        try scan(path, prefix + name + "/", base, outer + [own], &found)
      } else if status.st_mode & S_IFMT == S_IFREG {
        guard found.count < Self.mostFiles else {
          throw TemplateLibraryError("the folder \(root) has more than \(Self.mostFiles) files; move others out of it")
        }
        found[prefix + name] = Stamp(status)
      }
    }
  }

  /// What a path leads to; nil if that is nothing, or not below the folder.
  private static func status(of path: String, below base: String) -> stat? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    guard status.st_mode & S_IFMT == S_IFLNK else { return status }
    guard let real = resolved(path), real.hasPrefix(base + "/"), lstat(real, &status) == 0 else { return nil }
    return status
  }

  /// The text of a file below the folder; one that a link leads out of it is refused.
  func text(of path: String) throws(TemplateLibraryError) -> String {
    guard let base = Self.resolved(root), let real = Self.resolved("\(root)/\(path)"), real.hasPrefix(base + "/"),
      let status = Self.status(of: real, below: base), status.st_mode & S_IFMT == S_IFREG
    else { throw TemplateLibraryError("\(path): there is no such file below \(root)") }
    let bytes: [UInt8]
    do {
      bytes = try DiskFiles().read(real, limit: Self.mostBytes)
    } catch {
      throw TemplateLibraryError("\(path): \(error)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw TemplateLibraryError("\(path) is not UTF-8")
    }
    return text
  }

  private static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}

/// Why a library cannot be read.
struct TemplateLibraryError: Error, Sendable, CustomStringConvertible {
  let message: String
  init(_ message: String) { self.message = message }
  var description: String { message }
}
