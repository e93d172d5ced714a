import Glibc
import Synchronization

/// Notices that one of the files a manifest was read from has changed.
///
/// Looks at each file's identity, size and modification time at an interval. That also sees files which are replaced
/// through a symbolic link, as Kubernetes does with mounted configuration, where watching the inode would not.
struct ConfigWatcher: Sendable {
  /// How often to look.
  static let interval = Duration.milliseconds(500)

  private var signatures: [String: Signature?] = [:]

  private struct Signature: Sendable, Hashable {
    let inode: UInt
    let size: Int
    let seconds: Int
    let nanoseconds: Int
  }

  /// Watches these files from now on.
  init(_ files: [String]) {
    for file in files { signatures[file] = Self.signature(of: file) }
  }

  /// Watches what another watcher watches as well.
  mutating func add(_ other: ConfigWatcher) {
    signatures.merge(other.signatures) { present, _ in present }
  }

  /// Whether anything has changed since the last look.
  mutating func hasChanged() -> Bool {
    var changed = false
    for (file, known) in signatures {
      let present = Self.signature(of: file)
      if present != known {
        signatures[file] = present
        changed = true
      }
    }
    return changed
  }

  private static func signature(of path: String) -> Signature? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Signature(
      inode: UInt(status.st_ino), size: Int(status.st_size), seconds: status.st_mtim.tv_sec,
      nanoseconds: status.st_mtim.tv_nsec)
  }
}

extension Kernel {
  /// Reloads when a file of the manifest changes, once it has been quiet for the debounce time. Runs until cancelled.
  func watchConfiguration() async {
    let clock = settings.clock
    var files: [String] = []
    var watcher = ConfigWatcher([])
    while !Task.isCancelled {
      let (plan, refused) = shared.withLock { shared in
        defer { shared.refused = nil }
        return (shared.plan, shared.refused)
      }
      // A refused manifest may include files that the running one does not: there its mistake may be corrected.
      if let refused { watcher.add(refused) }
      if plan.watchedFiles != files {
        files = plan.watchedFiles
        // As they were when the plan was read: a change since then counts.
        watcher = plan.watcher
      }
      guard (try? await clock.sleep(for: ConfigWatcher.interval)) != nil else { return }
      guard plan.host.reload.watch, watcher.hasChanged() else { continue }
      repeat {
        guard (try? await clock.sleep(for: plan.host.reload.debounce)) != nil else { return }
      } while watcher.hasChanged()
      // What became of it is logged and published by the reload itself.
      _ = try? await reload()
    }
  }
}
