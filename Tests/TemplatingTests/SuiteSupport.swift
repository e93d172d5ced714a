import MainstayKernel
import MainstayTemplating
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The files of a conformance suite.
enum Suite {
  static func file(_ path: String) throws -> JSONValue {
    let root = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return try JSONValue(parsing: try bytes(of: "/\(root)/Fixtures/\(path)"))
  }

  private static func bytes(of path: String) throws -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw Missing(path: path) }
    defer { fclose(file) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { return content }
      content.append(contentsOf: chunk[..<count])
    }
  }

  struct Missing: Error { let path: String }
}

/// How a suite went; printed as one line, with the reason of each case that was left out.
struct Tally {
  var passed = 0
  var failed: [String] = []
  var skipped: [String: Int] = [:]

  mutating func skip(_ reason: String) { skipped[reason, default: 0] += 1 }

  mutating func check(_ name: String, _ result: String, _ expected: String) {
    if result == expected {
      passed += 1
    } else {
      failed.append("\(name): \(shown(expected)) expected, got \(shown(result))")
    }
  }

  private func shown(_ text: String) -> String { JSONValue.string(text).description }

  func report(_ suite: String) {
    let reasons = skipped.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: "; ")
    let skips = skipped.values.reduce(0, +)
    print(
      "\(suite): \(passed) passed, \(failed.count) failed, \(skips) skipped\(reasons.isEmpty ? "" : " (\(reasons))")")
  }
}
