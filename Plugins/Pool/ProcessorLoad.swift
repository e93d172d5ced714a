import Glibc

/// How busy the machine's processors are, from the counters of /proc/stat: a value that is shown one reading after the other.
struct ProcessorLoad: Sendable {
  private var busy: UInt64 = 0
  private var total: UInt64 = 0

  /// Percent of all processors in use since the reading before; nil for the first, and for one that cannot be read.
  ///
  /// The line `cpu` counts user, nice, system, idle, iowait, irq, softirq, steal (and guest times, which are in user
  /// already); proc(5).
  mutating func look(_ text: String?) -> Double? {
    guard let line = text?.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
    let counts = line.split(separator: " ").dropFirst().prefix(8).compactMap { UInt64($0) }
    guard counts.count >= 5 else { return nil }
    let total = counts.reduce(0, &+)
    let busy = total &- counts[3] &- counts[4]
    defer { (self.busy, self.total) = (busy, total) }
    guard self.total > 0, total > self.total, busy >= self.busy else { return nil }
    return min(100, Double(busy - self.busy) / Double(total - self.total) * 100)
  }

  /// The counters as they are now.
  static var text: String? {
    guard let file = fopen("/proc/stat", "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = fread(&bytes, 1, bytes.count, file)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
