import Glibc

/// A version of PostgreSQL on this machine.
struct PostgresPrograms: Sendable, Equatable {
  static let needed = ["initdb", "postgres"]

  let folder: String
  let majorVersion: Int

  var initdb: String { folder + "/initdb" }
  var postgres: String { folder + "/postgres" }

  /// Every version of this machine, newest first. Debian does not put the programs on the PATH, to keep versions apart.
  static func all(in folders: [String]) -> [PostgresPrograms] {
    folders.compactMap { folder in
      guard InstalledPrograms.folder(with: needed, in: [folder]) != nil else { return nil }
      return version(of: folder).map { PostgresPrograms(folder: folder, majorVersion: $0) }
    }.sorted { $0.majorVersion > $1.majorVersion }
  }

  static var usualFolders: [String] {
    let debian = InstalledPrograms.entries(of: "/usr/lib/postgresql").map { "/usr/lib/postgresql/\($0)/bin" }
    let fedora = InstalledPrograms.entries(of: "/usr").filter { $0.hasPrefix("pgsql-") }.map { "/usr/\($0)/bin" }
    return debian + fedora + InstalledPrograms.searchPath
  }

  /// The newest version, or the one that data of a version need.
  static func find(majorVersion: Int? = nil, in folders: [String] = usualFolders) throws(DevServerError)
    -> PostgresPrograms
  {
    let all = all(in: folders)
    guard let newest = all.first else {
      throw DevServerError(
        .notInstalled, "PostgreSQL is not on this machine; install it: apt-get install postgresql (Debian, Ubuntu)")
    }
    guard let majorVersion else { return newest }
    guard let matching = all.first(where: { $0.majorVersion == majorVersion }) else {
      throw DevServerError(
        .notInstalled,
        "these data are of PostgreSQL \(majorVersion), and this machine has \(newest.majorVersion); install "
          + "postgresql-\(majorVersion), or remove the data")
    }
    return matching
  }

  /// The version that the programs belong to, from the folder's name or from what the programs bring along.
  private static func version(of folder: String) -> Int? {
    let named = folder.split(separator: "/").dropLast().last.flatMap { name in
      Int(name.drop { !$0.isNumber }.prefix { $0.isNumber })
    }
    return named ?? told(by: folder + "/postgres")
  }

  /// `postgres (PostgreSQL) 15.4` stands in the program itself.
  private static func told(by program: String) -> Int? {
    guard let output = popen("'\(program)' --version 2>/dev/null", "re") else { return nil }
    defer { pclose(output) }
    var bytes = [CChar](repeating: 0, count: 256)
    guard fgets(&bytes, 256, output) != nil else { return nil }
    let text = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return text.split(separator: ")").last.flatMap { Int($0.drop { $0 == " " }.prefix { $0.isNumber }) }
  }
}
