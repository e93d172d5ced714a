import Glibc
import MainstayKernel

/// Pages of code and of constants that were read to start the host, and are not needed any more.
///
/// Most of what is resident after the start is the executable and its libraries: relocation, type metadata, the command
/// line, the reading of the manifest. Such pages are clean copies of their files. Taken out of the process they cost
/// nothing; one that is needed again is mapped again from the page cache, in less than a microsecond.
enum StartPages {
  /// Takes them out. What this process has written to, as relocation does, stays.
  static func release() {
    guard let bytes = try? DiskFiles().read("/proc/self/smaps", limit: 1 << 24),
      let smaps = String(validating: bytes, as: UTF8.self)
    else { return }
    for range in unwritten(in: smaps) {
      madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
    }
  }

  /// The mappings of files that nobody may write to, and of which no page is the process's own, as Linux lists them.
  static func unwritten(in smaps: String) -> [Range<UInt>] {
    var found: [Range<UInt>] = []
    var candidate: Range<UInt>?
    for line in smaps.utf8.split(separator: UInt8(ascii: "\n")) {
      if let mapping = mapping(line) {
        candidate = mapping.isFileUnwritten ? mapping.range : nil
      } else if let range = candidate, let own = ownKilobytes(line) {
        if own == 0 { found.append(range) }
        candidate = nil
      }
    }
    return found
  }

  /// A line such as `7f00-7f80 r-xp 00000000 08:01 1234 /usr/lib/libc.so.6`; nil for the lines about a mapping.
  private static func mapping(_ line: Substring.UTF8View.SubSequence) -> (range: Range<UInt>, isFileUnwritten: Bool)? {
    let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
    guard fields.count >= 5, let first = fields.first, !first.contains(UInt8(ascii: ":")) else { return nil }
    let ends = first.split(separator: UInt8(ascii: "-")).map { UInt(Substring($0), radix: 16) }
    guard ends.count == 2, let start = ends[0], let end = ends[1], start < end else { return nil }
    let isFile = fields.count == 6 && fields[5].contains(UInt8(ascii: "/"))
    let isReadOnly = fields[1].starts(with: "r".utf8) && !fields[1].contains(UInt8(ascii: "w"))
    return (start..<end, isFile && isReadOnly)
  }

  /// Of the line `Anonymous: 12 kB`, which counts the pages that were written to.
  private static func ownKilobytes(_ line: Substring.UTF8View.SubSequence) -> Int? {
    guard line.starts(with: "Anonymous:".utf8) else { return nil }
    return line.split(separator: UInt8(ascii: " ")).dropFirst().first.flatMap { Int(Substring($0)) }
  }
}
