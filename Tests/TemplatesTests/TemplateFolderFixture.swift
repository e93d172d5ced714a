import Glibc

/// A folder of templates that lasts as long as the test.
final class TemplateFolderFixture {
  let path: String

  init(_ files: [String: String] = [:]) {
    var template = Array("/tmp/mainstay-templates-XXXXXX".utf8CString)
    path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    for (name, text) in files { write(name, text) }
  }

  func write(_ name: String, _ text: String) {
    var folder = path
    for part in name.split(separator: "/").dropLast() {
      folder += "/\(part)"
      mkdir(folder, 0o755)
    }
    guard let file = fopen("\(path)/\(name)", "wbe") else { return }
    fputs(text, file)
    fclose(file)
  }

  func remove(_ name: String) { unlink("\(path)/\(name)") }

  deinit { Self.remove(path) }

  private static func remove(_ folder: String) {
    guard let handle = opendir(folder) else { return }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append("\(folder)/\(name)") }
    }
    closedir(handle)
    for name in names where unlink(name) != 0 { remove(name) }
    rmdir(folder)
  }

  /// The templates of the examples.
  static var examples: String {
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/examples/templates"
  }
}
