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
  }

  /// The most files, and the most bytes in one of them.
  static let mostFiles = 5000
  static let mostBytes = 1 << 20

  let root: String

  /// Every file below the folder, by its path there.
  func stamps() throws(TemplateLibraryError) -> [String: Stamp] {
    guard let base = Self.resolved(root) else {
      throw TemplateLibraryError("the folder \(root) does not exist; create it, or set plugins.templates.folders")
    }
    var found: [String: Stamp] = [:]
    try scan(base, "", base, depth: 0, &found)
    return found
  }

  private func scan(
    _ folder: String, _ prefix: String, _ base: String, depth: Int, _ found: inout [String: Stamp]
  ) throws(TemplateLibraryError) {
    guard depth < 16, let handle = opendir(folder) else { return }
    defer { closedir(handle) }
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix(".") || name.hasSuffix("~") { continue }
      let path = "\(folder)/\(name)"
      var status = stat()
      guard stat(path, &status) == 0, let real = Self.resolved(path), real.hasPrefix(base + "/") else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        try scan(path, prefix + name + "/", base, depth: depth + 1, &found)
      } else if status.st_mode & S_IFMT == S_IFREG {
        guard found.count < Self.mostFiles else {
          throw TemplateLibraryError("the folder \(root) has more than \(Self.mostFiles) files; move others out of it")
        }
        found[prefix + name] = Stamp(
          device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
          seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
      }
    }
  }

  /// The text of a file below the folder.
  func text(of path: String) throws(TemplateLibraryError) -> String {
    do {
      let bytes = try DiskFiles().read("\(root)/\(path)", limit: Self.mostBytes)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw TemplateLibraryError("\(root)/\(path) is not UTF-8")
      }
      return text
    } catch let error as TemplateLibraryError {
      throw error
    } catch {
      throw TemplateLibraryError("\(root)/\(path): \(error)")
    }
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
