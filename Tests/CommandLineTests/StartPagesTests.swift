import Glibc
import Testing

@testable import MainstayCommandLine

/// Pages that only the start needed leave the process, and nothing else does.
@Suite struct StartPagesTests {
  @Test func onlyMappingsOfFilesThatAreAsInTheirFilesMayGo() {
    let smaps = """
      00001000-00003000 r-xp 00000000 08:01 77 /usr/bin/mainstay
      Rss:                   8 kB
      Anonymous:             0 kB
      VmFlags: rd ex mr mw me
      00003000-00004000 r--p 00002000 08:01 77 /usr/bin/mainstay
      Anonymous:             4 kB
      00004000-00005000 rw-p 00003000 08:01 77 /usr/bin/mainstay
      Anonymous:             0 kB
      00005000-00006000 r--p 00000000 00:00 0
      Anonymous:             0 kB
      7fff0000-7fff1000 r-xp 00000000 00:00 0                  [vdso]
      Anonymous:             0 kB
      7fff2000-7fff4000 r--p 00000000 08:01 78                 /usr/lib/a b/libx.so (deleted)
      Anonymous:             0 kB
      nonsense
      """
    #expect(StartPages.unwritten(in: smaps) == [0x1000..<0x3000, 0x7fff_2000..<0x7fff_4000])
    #expect(StartPages.unwritten(in: "") == [])
  }

  @Test func theProcessGoesOnWithLessMemory() throws {
    let before = try #require(resident())
    StartPages.release()
    let after = try #require(resident())
    #expect(after < before)
  }

  /// Resident pages of files, in kilobytes.
  private func resident() -> Int? {
    guard let file = fopen("/proc/self/status", "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if text.hasPrefix("RssFile:") {
        return text.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) }
      }
    }
    return nil
  }
}
