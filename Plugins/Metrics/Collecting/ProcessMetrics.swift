import MainstayInstruments

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What the process uses, as Linux tells it, under the names that Prometheus' own clients use. What cannot be read is
/// absent, never zero.
struct ProcessMetrics: Sendable {
  /// The folder that stands for `/`.
  private let root: String

  init(root: String = "") { self.root = root }

  func register(in registry: MetricsRegistry) throws(MetricsError) {
    try registry.counter("process_cpu_seconds_total", help: "Processor time used, user and system.") { cpuSeconds }
    try registry.gauge("process_resident_memory_bytes", help: "Resident memory.") { memory(1) }
    try registry.gauge("process_virtual_memory_bytes", help: "Virtual memory.") { memory(0) }
    try registry.gauge("process_memory_limit_bytes", help: "Memory the control group may use; absent without a limit.")
    {
      memoryLimit
    }
    try registry.gauge("process_open_fds", help: "Open file descriptors.") { openDescriptors }
    try registry.gauge("process_max_fds", help: "File descriptors that may be open.") { descriptorLimit }
    try registry.gauge("process_threads", help: "Threads.") { statistic(19) }
    let start = startTime
    try registry.gauge("process_start_time_seconds", help: "When the process began, since 1970.") { start }
    try registry.gauge("machine_processors", help: "Processors online.") { processors }
    try registry.gauge("machine_load1", help: "Tasks that run or wait, over the last minute.") {
      text("/proc/loadavg")?.split(separator: " ").first.flatMap { Double($0) }
    }
  }

  private var cpuSeconds: Double? {
    guard let user = statistic(13), let system = statistic(14) else { return nil }
    return (user + system) / ticksPerSecond
  }

  private var ticksPerSecond: Double { max(1, Double(sysconf(Int32(_SC_CLK_TCK)))) }

  private var processors: Double? {
    let count = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return count > 0 ? Double(count) : nil
  }

  private func memory(_ column: Int) -> Double? {
    let columns = text("/proc/self/statm")?.split(separator: " ") ?? []
    guard column < columns.count, let pages = Double(columns[column]) else { return nil }
    return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
  }

  private var memoryLimit: Double? {
    for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
      guard let limit = text(path).flatMap({ Double($0.prefix { $0 != "\n" }) }), limit < 0x1p62 else { continue }
      return limit
    }
    return nil
  }

  private var openDescriptors: Double? {
    guard let folder = opendir(root + "/proc/self/fd") else { return nil }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    // `.`, `..`, and the descriptor of this look.
    return Double(max(0, count - 3))
  }

  private var descriptorLimit: Double? {
    let line = text("/proc/self/limits")?.split(separator: "\n").first { $0.hasPrefix("Max open files") }
    return line.flatMap { $0.split(separator: " ").dropFirst(3).first }.flatMap { Double($0) }
  }

  private var startTime: Double? {
    let boot = text("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
    guard let seconds = boot.flatMap({ Double($0.dropFirst(6)) }), let ticks = statistic(21) else { return nil }
    return seconds + ticks / ticksPerSecond
  }

  /// A column of `/proc/self/stat`, counted from 0; the name in brackets may hold anything.
  private func statistic(_ column: Int) -> Double? {
    guard let text = text("/proc/self/stat"), let bracket = text.lastIndex(of: ")") else { return nil }
    let columns = text[bracket...].split(separator: " ").dropFirst()
    let index = columns.startIndex + column - 2
    return columns.indices.contains(index) ? Double(columns[index]) : nil
  }

  private func text(_ path: String) -> String? {
    guard let file = fopen(root + path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 16_384)
    let count = fread(&bytes, 1, bytes.count, file)
    return ferror(file) == 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
