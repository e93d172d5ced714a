import Synchronization

extension Kernel {
  /// How often the files of the manifest are looked at.
  static let watchInterval = Duration.milliseconds(500)

  /// Reloads when a file of the manifest is not any more as it was last read, once it has been quiet for the debounce
  /// time. Runs until cancelled.
  ///
  /// What counts is the last reading by any reload, also by one that was asked for otherwise and by one that was refused: an
  /// edit is read once.
  func watchConfiguration() async {
    let clock = settings.clock
    while (try? await clock.sleep(for: Self.watchInterval)) != nil {
      let (settings, read) = shared.withLock { ($0.plan.host.reload, $0.lastRead) }
      guard settings.watch, read.isOutdated else { continue }
      let changed = read.outdated.joined(separator: ", ")
      var latest: ConfigSnapshot
      repeat {
        latest = read.now
        guard (try? await clock.sleep(for: settings.debounce)) != nil else { return }
      } while latest.isOutdated
      // Somebody may have asked for a reload meanwhile.
      guard shared.withLock({ $0.lastRead }).isOutdated else { continue }
      // What became of it is logged and published by the reload itself.
      _ = try? await reload(by: "a change of \(changed)")
    }
  }
}
