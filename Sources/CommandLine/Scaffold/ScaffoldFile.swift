import Glibc

/// A file of a new package: its path in the package, and its text.
struct ScaffoldFile: Equatable {
  let path: String
  let text: String
}

/// Puts a new package on disk: all of it, or nothing.
struct ScaffoldWriter {
  /// The package's folder, absolute.
  let directory: String

  /// Writes the files beside the folder first and moves them there when all are written.
  func write(_ files: [ScaffoldFile]) throws(ScaffoldError) {
    var status = stat()
    guard lstat(directory, &status) != 0 else {
      throw ScaffoldError("\(directory) exists already; name another folder with --directory, or remove it")
    }
    let draft = "\(directory).\(getpid()).draft"
    var made: [String] = []
    do throws(ScaffoldError) {
      for folder in parents(of: draft) { try makeFolder(folder, &made) }
      for file in files { try write(file, in: draft, &made) }
      guard rename(draft, directory) == 0 else { throw failure("make", directory) }
    } catch {
      for path in made.reversed() { _ = remove(path) }
      throw error
    }
  }

  private func write(_ file: ScaffoldFile, in draft: String, _ made: inout [String]) throws(ScaffoldError) {
    let path = draft + "/" + file.path
    for folder in parents(of: path) { try makeFolder(folder, &made) }
    guard let handle = fopen(path, "wx") else { throw failure("write", path) }
    made.append(path)
    let isWritten = fputs(file.text, handle) >= 0
    // The last bytes are written, and a full disk is noticed, when the file is closed.
    guard fclose(handle) == 0, isWritten else { throw failure("write", path) }
  }

  private func makeFolder(_ path: String, _ made: inout [String]) throws(ScaffoldError) {
    if mkdir(path, 0o777) == 0 {
      made.append(path)
    } else if errno != EEXIST {
      throw failure("make", path)
    }
  }

  /// Every folder on the way to a path, the outermost first.
  private func parents(of path: String) -> [String] {
    path.indices.filter { path[$0] == "/" && $0 != path.startIndex }.map { String(path[..<$0]) }
  }

  private func failure(_ verb: String, _ path: String) -> ScaffoldError {
    ScaffoldError("cannot \(verb) \(path): \(String(cString: strerror(errno)))")
  }
}
