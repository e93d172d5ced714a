import Glibc

/// As whom a server runs: PostgreSQL refuses to run as root.
struct ServerAccount: Sendable {
  let user: uid_t
  let group: gid_t
  /// What to put before a command so that it runs as this user; empty for the user who asks.
  let prefix: [String]

  /// The user of this process.
  static let own = ServerAccount(user: geteuid(), group: getegid(), prefix: [])

  /// The user `postgres`, if this process is root's.
  static func postgres() throws(DevServerError) -> ServerAccount {
    guard geteuid() == 0 else { return own }
    var record = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var text = [CChar](repeating: 0, count: 16_384)
    guard getpwnam_r("postgres", &record, &text, text.count, &found) == 0, found != nil else {
      throw DevServerError(
        .badOptions,
        "PostgreSQL does not run as root, and there is no user 'postgres'; run as another user, or add one: "
          + "useradd --system postgres")
    }
    let setpriv = try InstalledPrograms.path(of: "setpriv", in: InstalledPrograms.searchPath, package: "util-linux")
    return ServerAccount(
      user: record.pw_uid, group: record.pw_gid,
      prefix: [setpriv, "--reuid=\(record.pw_uid)", "--regid=\(record.pw_gid)", "--clear-groups", "--"])
  }

  /// Gives the account what this process has made.
  func own(_ path: String) throws(DevServerError) {
    guard user != geteuid() else { return }
    guard lchown(path, user, group) == 0 else { throw .system(.folder, "cannot give \(path) to its server", errno) }
  }

  /// The first folder on the way to `path` that the account may not pass; nil if it may pass all that exist. Looks at
  /// the owner and the permissions only.
  func barrier(to path: String) -> String? {
    guard user != geteuid() else { return nil }
    var folder = ""
    for segment in path.split(separator: "/").dropLast() {
      folder += "/" + segment
      var status = stat()
      guard stat(folder, &status) == 0 else { return nil }
      let bit: mode_t = status.st_uid == user ? 0o100 : status.st_gid == group ? 0o010 : 0o001
      if status.st_mode & bit == 0 { return folder }
    }
    return nil
  }
}
