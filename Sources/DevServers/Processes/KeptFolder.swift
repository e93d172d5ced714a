import Glibc

/// A folder whose data outlive their server. One server at a time may use it.
struct KeptFolder: Sendable {
  let path: String
  /// Held by this process and by the server's keeper.
  let lock: OpenFile

  /// Finds the folder, or makes it, with its parents.
  /// - Parameter patience: how long to wait for a server that another run has left and that is about to stop.
  init(_ path: String, for account: ServerAccount, patience: Duration) async throws {
    guard path.hasPrefix("/") else {
      throw DevServerError(.badOptions, "the folder of kept data must be an absolute path, is '\(path)'")
    }
    try Self.make(path, for: account)
    let lock = try OpenFile(path + "/lock", O_RDWR | O_CREAT)
    let deadline = ContinuousClock.now.advanced(by: patience)
    while !lock.lock() {
      try Task.checkCancellation()
      guard ContinuousClock.now < deadline else {
        throw DevServerError(
          .folder, "the data in \(path) are in use by the server of another host; stop that one, or use another folder")
      }
      await Spawn.pause(.milliseconds(20))
    }
    (self.path, self.lock) = (path, lock)
  }

  /// Parents are made as other programs make them; the folder itself is the server's alone.
  private static func make(_ path: String, for account: ServerAccount) throws(DevServerError) {
    var made = ""
    var isNew = false
    for segment in path.split(separator: "/") {
      made += "/" + segment
      isNew = mkdir(made, 0o755) == 0
    }
    if isNew {
      chmod(made, 0o700)
      try account.own(made)
    }
    var status = stat()
    guard lstat(made, &status) == 0 else { throw .system(.folder, "cannot make \(path)", errno) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == account.user else {
      throw DevServerError(
        .folder, "\(path) is no folder of the user whom the server runs as; remove it, or use another")
    }
    try check(path, for: account)
  }

  /// Looks whether the server could use a folder, as far as its path exists.
  static func check(_ path: String, for account: ServerAccount) throws(DevServerError) {
    guard let barrier = account.barrier(to: path) else { return }
    throw DevServerError(
      .folder, "the user 'postgres', whom the server runs as, may not enter \(barrier); keep the data elsewhere")
  }
}
