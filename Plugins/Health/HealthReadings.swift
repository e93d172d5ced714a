import Glibc

/// What the process and the machine use, as Linux tells it. What cannot be read is absent, never zero.
struct HealthReadings: Sendable {
  /// Memory, in bytes.
  struct Memory: Sendable, Equatable {
    /// Resident memory of the process.
    var resident: Int?
    /// What the process and its neighbours in the control group may use together.
    var limit: Int?
  }

  /// The machine's load.
  struct System: Sendable, Equatable {
    /// Average number of tasks that run or wait, over 1, 5 and 15 minutes.
    var load: [Double]?
    /// Processors online.
    var cores: Int?
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

  /// Memory of the process and the limit it runs under.
  var memory: Memory {
    let pages = text("/proc/self/statm")?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return Memory(resident: pages.map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }, limit: memoryLimit)
  }

  /// The machine's load and processors.
  var system: System {
    let load = text("/proc/loadavg")?.split(separator: " ").prefix(3).compactMap { Double($0) }
    let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    return System(load: load?.count == 3 ? load : nil, cores: cores > 0 ? cores : nil)
  }

  /// The lowest limit of the process's control group and of those above it; nil if there is none.
  private var memoryLimit: Int? {
    let lines = text("/proc/self/cgroup")?.split(separator: "\n") ?? []
    return lines.compactMap { line -> Int? in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return nil }
      if parts[1].isEmpty { return lowest("/sys/fs/cgroup", parts[2], "memory.max") }
      guard parts[1].split(separator: ",").contains("memory") else { return nil }
      return lowest("/sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes")
    }.min()
  }

  private func lowest(_ mount: String, _ group: Substring, _ file: String) -> Int? {
    var segments = group.split(separator: "/").prefix(64)
    var limits: [Int] = []
    while true {
      let folder = ([mount] + segments.map(String.init)).joined(separator: "/")
      if let limit = text("\(folder)/\(file)").flatMap(Self.limit) { limits.append(limit) }
      guard segments.popLast() != nil else { return limits.min() }
    }
  }

  /// `max`, and the huge number that stands for it in the first version of control groups, are no limits.
  private static func limit(_ text: String) -> Int? {
    Int(text.prefix { $0 != "\n" }).flatMap { $0 < 1 << 62 ? $0 : nil }
  }

  private func text(_ path: String) -> String? {
    guard let file = fopen(root + path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 16_384)
    let count = fread(&bytes, 1, bytes.count, file)
    return ferror(file) == 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
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
