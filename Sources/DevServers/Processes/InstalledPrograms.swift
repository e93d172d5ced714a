import Glibc

/// Programs of this machine.
enum InstalledPrograms {
  /// Where programs are looked for: the folders of PATH, then the usual ones, which PATH may lack under a supervisor.
  static var searchPath: [String] {
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    let usual = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"]
    return path.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") } + usual
  }

  /// The first of the folders that holds all of these programs.
  static func folder(with names: [String], in folders: [String]) -> String? {
    folders.first { folder in names.allSatisfy { access(folder + "/" + $0, X_OK) == 0 } }
  }

  /// A program's path, or what to install.
  static func path(of name: String, in folders: [String], package: String) throws(DevServerError) -> String {
    guard let folder = folder(with: [name], in: folders) else {
      throw DevServerError(
        .notInstalled, "\(name) is not on this machine; install it: apt-get install \(package) (Debian, Ubuntu)")
    }
    return folder + "/" + name
  }

  /// The entries of a folder; empty if it cannot be read.
  static func entries(of folder: String) -> [String] {
    guard let handle = opendir(folder) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
        field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
