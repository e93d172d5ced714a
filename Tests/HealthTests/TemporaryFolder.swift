import Glibc

/// A file that goes away with the last reference to it.
final class TemporaryFile: Sendable {
  let path: String

  init(_ text: String) throws {
    path = "/tmp/mainstay-test-\(UInt64.random(in: 0 ... .max))"
    try writeFile(text, path)
  }

  deinit { unlink(path) }
}

/// A folder with files that goes away with the last reference to it.
final class TemporaryFolder: Sendable {
  let path: String
  private let files: [String]

  init(_ files: [String: String]) throws {
    path = "/tmp/mainstay-test-\(UInt64.random(in: 0 ... .max))"
    self.files = Array(files.keys)
    for (name, text) in files {
      var folder = path
      mkdir(folder, 0o700)
      for part in name.split(separator: "/").dropLast() {
        folder += "/" + part
        mkdir(folder, 0o700)
      }
      try writeFile(text, path + "/" + name)
    }
  }

  deinit {
    for file in files { unlink(path + "/" + file) }
    let folders = Set(
      files.flatMap { file in
        let parts = file.split(separator: "/").dropLast()
        return parts.indices.map { parts[...$0].joined(separator: "/") }
      })
    for folder in folders.sorted(by: >) { rmdir(path + "/" + folder) }
    rmdir(path)
  }
}

struct FileError: Error { let path: String }

private func writeFile(_ text: String, _ path: String) throws {
  guard let file = fopen(path, "w") else { throw FileError(path: path) }
  fputs(text, file)
  fclose(file)
}
