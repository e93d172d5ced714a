/// The control groups that the process is in, of either version: what it may use together with its neighbours, and what
/// they use. Limits of groups further up hold too, so the lowest counts.
struct ControlGroup: Sendable {
  /// One hierarchy: where it is mounted, and the process's group in it.
  private struct Hierarchy {
    let mount: String
    let group: Substring
    let isSecondVersion: Bool
  }

  private let root: String

  init(root: String = "") { self.root = root }

  /// The lowest limit of memory, in bytes; nil if there is none.
  var memoryLimit: Int? {
    hierarchies("memory").compactMap { hierarchy in
      lowest(hierarchy, hierarchy.isSecondVersion ? "memory.max" : "memory.limit_in_bytes", Self.limit)
    }.min()
  }

  /// Memory in use in the process's own group without pages of files that nobody has used lately, in bytes.
  var workingSet: Int? {
    for hierarchy in hierarchies("memory") {
      let version2 = hierarchy.isSecondVersion
      let folder = folder(hierarchy, hierarchy.group.split(separator: "/"))
      guard let used = number("\(folder)/\(version2 ? "memory.current" : "memory.usage_in_bytes")") else { continue }
      let inactive = entry("\(folder)/memory.stat", version2 ? "inactive_file" : "total_inactive_file") ?? 0
      return max(0, used - inactive)
    }
    return nil
  }

  /// The lowest limit of processor time, in processors; nil if there is none.
  var processors: Double? {
    hierarchies("cpu").compactMap { hierarchy -> Double? in
      guard hierarchy.isSecondVersion else {
        return lowestQuota(hierarchy)
      }
      return lowest(hierarchy, "cpu.max") { text in
        let parts = text.split(separator: " ").compactMap { Double($0.prefix { $0 != "\n" }) }
        return parts.count == 2 && parts[1] > 0 ? parts[0] / parts[1] : nil
      }
    }.min()
  }

  private func hierarchies(_ controller: String) -> [Hierarchy] {
    let lines = SystemFile.text(root + "/proc/self/cgroup")?.split(separator: "\n") ?? []
    return lines.compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return nil }
      if parts[1].isEmpty { return Hierarchy(mount: "/sys/fs/cgroup", group: parts[2], isSecondVersion: true) }
      guard parts[1].split(separator: ",").contains(Substring(controller)) else { return nil }
      return Hierarchy(mount: "/sys/fs/cgroup/\(controller)", group: parts[2], isSecondVersion: false)
    }
  }

  private func folder(_ hierarchy: Hierarchy, _ segments: [Substring]) -> String {
    ([root + hierarchy.mount] + segments.map(String.init)).joined(separator: "/")
  }

  /// The lowest value in a group and those above it.
  private func lowest<Value: Comparable>(
    _ hierarchy: Hierarchy, _ file: String, _ read: (String) -> Value?
  ) -> Value? {
    folders(hierarchy).compactMap { SystemFile.text("\($0)/\(file)").flatMap(read) }.min()
  }

  private func lowestQuota(_ hierarchy: Hierarchy) -> Double? {
    folders(hierarchy).compactMap { folder -> Double? in
      guard let quota = number("\(folder)/cpu.cfs_quota_us"), quota > 0 else { return nil }
      guard let period = number("\(folder)/cpu.cfs_period_us"), period > 0 else { return nil }
      return Double(quota) / Double(period)
    }.min()
  }

  private func folders(_ hierarchy: Hierarchy) -> [String] {
    let segments = Array(hierarchy.group.split(separator: "/").prefix(64))
    return (0...segments.count).map { folder(hierarchy, Array(segments.prefix($0))) }
  }

  private func number(_ path: String) -> Int? { SystemFile.text(path).flatMap { Int($0.prefix { $0 != "\n" }) } }

  private func entry(_ path: String, _ name: String) -> Int? {
    SystemFile.text(path)?.split(separator: "\n").first { $0.hasPrefix(name + " ") }
      .flatMap { Int($0.dropFirst(name.count + 1)) }
  }

  /// `max`, and the huge number that stands for it in the first version of control groups, are no limits.
  private static func limit(_ text: String) -> Int? {
    Int(text.prefix { $0 != "\n" }).flatMap { $0 < 1 << 62 ? $0 : nil }
  }
}
