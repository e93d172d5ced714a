import Glibc

/// A folder of a test's own, gone when nobody holds it any more.
final class ScratchFolder: Sendable {
  let path: String

  init() {
    var template = Array("/tmp/mainstay-test-XXXXXX".utf8CString)
    path = mkdtemp(&template).map { String(cString: $0) } ?? ""
  }

  deinit { remove(path) }

  func write(_ name: String, _ text: String) throws {
    struct NotWritten: Error {}
    guard let file = fopen(path + "/" + name, "w") else { throw NotWritten() }
    defer { fclose(file) }
    fputs(text, file)
  }

  func read(_ name: String) -> String? {
    guard let file = fopen(path + "/" + name, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  /// What stands directly in it.
  var names: [String] { names(in: path) }

  private func names(in folder: String) -> [String] {
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

  private func remove(_ path: String) {
    for name in names(in: path) { remove(path + "/" + name) }
    if unlink(path) != 0 { rmdir(path) }
  }
}
