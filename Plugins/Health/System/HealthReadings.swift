import Glibc

/// What the process and the machine use, as Linux tells it. What cannot be read is absent, never zero.
struct HealthReadings: Sendable {
  /// Memory, in bytes.
  struct Memory: Sendable, Equatable {
    /// Resident memory of the process.
    var resident: Int?
    /// What the process and its neighbours in the control group may use together.
    var limit: Int?
    /// What they use, without pages of files that the system can drop at any time.
    var workingSet: Int?
    /// The machine's memory.
    var machine: Int?
    /// What of it can still be used.
    var available: Int?

    /// How much of what may be used is used: of the control group's limit, or of the machine's memory.
    var usedPercent: Double? {
      if let limit, limit > 0, let used = workingSet ?? resident { return Double(used) / Double(limit) * 100 }
      guard let machine, machine > 0, let available else { return nil }
      return Double(machine - available) / Double(machine) * 100
    }
  }

  /// The machine's load.
  struct System: Sendable, Equatable {
    /// Average number of tasks that run or wait, over 1, 5 and 15 minutes.
    var load: [Double]?
    /// Processors online.
    var cores: Int?
    /// Processors that the control group may use, if that is limited; may be a fraction.
    var quota: Double?

    /// Processors that the process can use.
    var usableCores: Double? {
      switch (cores.map(Double.init), quota) {
      case (let cores?, let quota?): min(cores, quota)
      case (let cores, let quota): cores ?? quota
      }
    }
  }

  /// The folder that stands for `/`.
  private let root: String

  /// Reads the machine's own files, or, in tests, those below another folder.
  init(root: String = "") { self.root = root }

  /// The processor time that this process has used.
  var processorTime: Duration? {
    var usage = rusage()
    guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
    return .seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + .microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
  }

  /// Memory of the process, of its control group and of the machine.
  var memory: Memory {
    let pages = text("/proc/self/statm")?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    let group = ControlGroup(root: root)
    let machine = table("/proc/meminfo")
    return Memory(
      resident: pages.map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }, limit: group.memoryLimit,
      workingSet: group.workingSet, machine: machine["MemTotal:"].map { $0 * 1024 },
      available: machine["MemAvailable:"].map { $0 * 1024 })
  }

  /// The machine's load and processors.
  var system: System {
    let load = text("/proc/loadavg")?.split(separator: " ").prefix(3).compactMap { Double($0) }
    let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    return System(
      load: load?.count == 3 ? load : nil, cores: cores > 0 ? cores : nil, quota: ControlGroup(root: root).processors)
  }

  /// How full the file system is that a folder lies on, in percent of what may be used.
  func diskPercent(_ folder: String) -> Double? {
    var status = statvfs()
    guard statvfs(root + folder, &status) == 0 else { return nil }
    let used = Double(status.f_blocks) - Double(status.f_bfree)
    let usable = used + Double(status.f_bavail)
    return usable > 0 ? used / usable * 100 : nil
  }

  /// For which share of the last ten seconds some task waited for `cpu`, `memory` or `io`, in percent.
  func pressure(_ resource: String) -> Double? {
    guard let line = text("/proc/pressure/\(resource)")?.split(separator: "\n").first else { return nil }
    let average = line.split(separator: " ").first { $0.hasPrefix("avg10=") }
    return average.flatMap { Double($0.dropFirst("avg10=".count)) }
  }

  /// Names and whole numbers, a line each.
  private func table(_ path: String) -> [String: Int] {
    let lines = text(path)?.split(separator: "\n") ?? []
    return Dictionary(
      lines.compactMap { line in
        let parts = line.split(separator: " ")
        return parts.count >= 2 ? Int(parts[1]).map { (String(parts[0]), $0) } : nil
      }, uniquingKeysWith: { first, _ in first })
  }

  private func text(_ path: String) -> String? { SystemFile.text(root + path) }
}

/// How much processor time was used between two looks.
struct ProcessorUsage: Sendable {
  /// A share of one processor's time, and over which time.
  struct Share: Sendable, Equatable {
    /// 100 is one processor fully used.
    var percent: Double
    /// The time over which it was measured.
    var interval: Duration
  }

  /// Shorter intervals than this say nothing: the look before is used again.
  static let shortest = Duration.seconds(1)

  private var used: Duration
  private var at: ContinuousClock.Instant
  private var last: Share?

  /// The first look: nothing used yet at that instant, when the process began or this object was made.
  init(used: Duration, at instant: ContinuousClock.Instant) {
    self.used = used
    at = instant
  }

  /// The share since the look before; nil before there are two.
  mutating func look(used: Duration, at now: ContinuousClock.Instant) -> Share? {
    let interval = at.duration(to: now)
    guard interval >= Self.shortest else { return last }
    last = Share(percent: max(0, (used - self.used) / interval * 100), interval: interval)
    (self.used, at) = (used, now)
    return last
  }
}
