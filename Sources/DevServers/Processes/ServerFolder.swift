import Glibc

/// The private folder of one run: log, socket, and the data of a throw-away server. Its lock is held by the process that
/// made it and by the server's keeper; a folder whose lock is free is what a dead run has left.
final class ServerFolder: Sendable {
  static let prefix = "mainstay-dev-"

  let path: String
  let lock: OpenFile

  /// - Parameter base: the folder in which it is made; nil for TMPDIR, or /tmp.
  init(in base: String?, for account: ServerAccount) throws(DevServerError) {
    let base = Self.base(base)
    for _ in 0..<8 {
      var name = Array((base + "/" + Self.prefix + "XXXXXX").utf8CString)
      guard mkdtemp(&name) != nil else { throw .system(.folder, "cannot make a folder in \(base)", errno) }
      let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      // Another user's server must be able to pass, though not to look.
      chmod(path, account.user == geteuid() ? 0o700 : 0o711)
      let lock = try OpenFile(path + "/lock", O_RDWR | O_CREAT)
      // Somebody who looks for folders of dead runs may have been quicker; then the next one.
      guard lock.lock() else { continue }
      (self.path, self.lock) = (path, lock)
      return
    }
    throw DevServerError(.folder, "cannot keep a folder in \(base): something else takes each one away")
  }

  static func base(_ folder: String?) -> String {
    if let folder { return folder }
    let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? ""
    return temporary.hasPrefix("/") ? String(temporary.trimmingSlashes) : "/tmp"
  }

  /// Makes a folder inside, for the server's eyes only.
  func makeFolder(_ name: String, for account: ServerAccount) throws(DevServerError) {
    try Self.make(path + "/" + name, for: account)
  }

  static func make(_ path: String, for account: ServerAccount) throws(DevServerError) {
    guard mkdir(path, 0o700) == 0 else { throw .system(.folder, "cannot make \(path)", errno) }
    try account.own(path)
  }

  /// Removes it with all it holds.
  func remove() async { await Self.remove(path) }

  static func remove(_ path: String) async {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    SharedMemory.release(namedBy: path + "/data/postmaster.pid")
    _ = try? await Spawn(command: ["/bin/rm", "-rf", "--", path], descriptors: [nil, nil, nil]).run()
  }

  /// Removes the folders that dead runs of this user have left, and ends servers that still run in one.
  static func removeStale(in base: String?) async {
    let base = Self.base(base)
    for name in InstalledPrograms.entries(of: base) where name.hasPrefix(prefix) {
      let path = base + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else { continue }
      // No lock yet: it is being made.
      guard let lock = try? OpenFile(path + "/lock", O_RDWR), lock.lock() else { continue }
      for process in ServerProcesses.inside(path) { kill(process, SIGKILL) }
      await remove(path)
    }
  }
}

/// System V shared memory: PostgreSQL takes a few bytes as a lock on its data, and where it is killed they stay.
enum SharedMemory {
  /// Frees the segment that `postmaster.pid` names, in the form `key id` on line 7, if nobody is attached to it.
  static func release(namedBy path: String) {
    let lines = tail(of: path).split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count > 6 else { return }
    let numbers = lines[6].split(separator: " ").compactMap { Int($0) }
    guard numbers.count == 2, let id = Int32(exactly: numbers[1]) else { return }
    var status = shmid_ds()
    guard shmctl(id, IPC_STAT, &status) == 0, status.shm_nattch == 0,
      UInt32(bitPattern: status.shm_perm.__key) == UInt32(truncatingIfNeeded: numbers[0])
    else { return }
    shmctl(id, IPC_RMID, nil)
  }
}

/// The processes of servers, found by where they work: a server's working folder is its data folder.
enum ServerProcesses {
  /// Every server process of this machine whose working folder is `folder` or lies in it.
  static func inside(_ folder: String) -> [pid_t] {
    InstalledPrograms.entries(of: "/proc").compactMap { pid_t($0) }.filter { process in
      guard let place = link("/proc/\(process)/cwd"), place == folder || place.hasPrefix(folder + "/") else {
        return false
      }
      let program = link("/proc/\(process)/exe")?.split(separator: "/").last ?? ""
      return program.hasPrefix("postgres") || program.hasPrefix("redis") || program.hasPrefix("valkey")
    }
  }

  private static func link(_ path: String) -> String? {
    var text = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &text, text.count)
    return count > 0 ? String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
  }
}

extension String {
  fileprivate var trimmingSlashes: Substring {
    var text = self[...]
    while text.count > 1, text.last == "/" { text.removeLast() }
    return text
  }
}
