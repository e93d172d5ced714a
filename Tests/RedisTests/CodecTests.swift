import MainstayTesting
import Testing

@testable import MainstayRedis

/// A parser of RESP2 as plain as can be, to compare with: reads one value, or nil if bytes are missing.
struct PlainParser {
  struct Malformed: Error {}

  var bytes: ArraySlice<UInt8>

  mutating func value() throws -> RESPValue? {
    let start = bytes
    guard let value = try read() else {
      bytes = start
      return nil
    }
    return value
  }

  private mutating func read() throws -> RESPValue? {
    guard let end = bytes.indices.dropLast().first(where: { bytes[$0] == 13 && bytes[$0 + 1] == 10 }) else {
      return nil
    }
    let line = bytes[bytes.startIndex..<end]
    let text = String(decoding: line.dropFirst(), as: UTF8.self)
    bytes = bytes[(end + 2)...]
    switch line.first {
    case UInt8(ascii: "+"): return .simple(text)
    case UInt8(ascii: "-"): return .error(text)
    case UInt8(ascii: ":"): return .integer(try number(text))
    case UInt8(ascii: "$"):
      let length = try number(text)
      if length == -1 { return .null }
      guard bytes.count >= Int(length) + 2 else { return nil }
      let content = Array(bytes.prefix(Int(length)))
      bytes = bytes.dropFirst(Int(length) + 2)
      return .bulk(content)
    case UInt8(ascii: "*"):
      let count = try number(text)
      if count == -1 { return .null }
      var items: [RESPValue] = []
      for _ in 0..<count {
        guard let item = try read() else { return nil }
        items.append(item)
      }
      return .array(items)
    default: throw Malformed()
    }
  }

  private func number(_ text: String) throws -> Int64 {
    guard let number = Int64(text) else { throw Malformed() }
    return number
  }
}

extension RESPValue {
  static func random(depth: Int, using random: inout SeededGenerator) -> RESPValue {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
    case 0: return .null
    case 1: return .integer(Int64.random(in: .min ... .max, using: &random))
    case 2: return .simple(["OK", "", "QUEUED"].randomElement(using: &random) ?? "")
    case 3: return .error(["ERR no", "WRONGTYPE x", "X"].randomElement(using: &random) ?? "")
    case 4, 5:
      let length = Int.random(in: 0...([1, 10, 3000].randomElement(using: &random) ?? 1), using: &random)
      return .bulk((0..<length).map { _ in UInt8.random(in: 0...255, using: &random) })
    default:
      let count = Int.random(in: 0...5, using: &random)
      return .array((0..<count).map { _ in .random(depth: depth - 1, using: &random) })
    }
  }

  var encoded: [UInt8] {
    switch self {
    case .null: Array("$-1\r\n".utf8)
    case .integer(let number): Array(":\(number)\r\n".utf8)
    case .simple(let text): Array("+\(text)\r\n".utf8)
    case .error(let text): Array("-\(text)\r\n".utf8)
    case .bulk(let bytes): Array("$\(bytes.count)\r\n".utf8) + bytes + [13, 10]
    case .array(let items): Array("*\(items.count)\r\n".utf8) + items.flatMap(\.encoded)
    }
  }
}

@Suite("The codec")
struct CodecTests {
  private func reader(_ limits: RESPLimits = RESPLimits()) throws -> RESPReader {
    try #require(RESPReader(limits: limits))
  }

  private func feed(_ reader: RESPReader, _ text: String) throws -> [RESPValue] {
    var values: [RESPValue] = []
    try Array(text.utf8).withUnsafeBytes { try reader.feed($0) }
    while let value = try reader.next() { values.append(value) }
    return values
  }

  private func violation(_ text: String, _ limits: RESPLimits = RESPLimits()) throws -> String? {
    let reader = try reader(limits)
    do {
      _ = try feed(reader, text)
      return nil
    } catch let error as RESPViolation {
      #expect(throws: RESPViolation.self) { try reader.next() }
      return error.message
    }
  }

  @Test(arguments: 0..<40) func readsWhatAPlainParserReadsHoweverItIsCut(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let values = (0..<50).map { _ in RESPValue.random(depth: 6, using: &random) }
    let bytes = values.flatMap(\.encoded)
    let reader = try reader()
    var plain = PlainParser(bytes: bytes[...])
    var read: [RESPValue] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = rest.prefix(
        Int.random(in: 1...([1, 7, 100, 5000].randomElement(using: &random) ?? 1), using: &random))
      rest = rest.dropFirst(piece.count)
      try piece.withUnsafeBytes { try reader.feed($0) }
      while let value = try reader.next() { read.append(value) }
    }
    #expect(read == values)
    for value in values { #expect(try plain.value() == value) }
    #expect(reader.bufferedBytes == 0)
  }

  @Test(arguments: 0..<200) func survivesBrokenBytes(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed &+ 1000)
    var bytes = (0..<20).map { _ in RESPValue.random(depth: 5, using: &random) }.flatMap(\.encoded)
    for _ in 0..<Int.random(in: 1...20, using: &random) {
      bytes[Int.random(in: bytes.indices, using: &random)] = Array("*$+-:\r\n0123456789".utf8).randomElement(
        using: &random)!
    }
    let reader = try reader(RESPLimits(elements: 10_000, bulkBytes: 100_000, replyBytes: 200_000))
    var plain = PlainParser(bytes: bytes[...])
    do {
      try bytes.withUnsafeBytes { try reader.feed($0) }
      // As long as both read on, they read the same.
      while let value = try reader.next() {
        guard let other = try? plain.value() else { break }
        if value != other {
          // hiredis takes "\r" within a line for the end of it where the plain parser does not.
          break
        }
      }
    } catch {
      #expect(error is RESPViolation)
    }
  }

  @Test func limitsAreHeldBeforeTheBytesAreThere() throws {
    let limits = RESPLimits(depth: 3, elements: 100, bulkBytes: 1000, replyBytes: 2000, lineBytes: 100)
    #expect(try violation("*1\r\n*1\r\n*1\r\n*1\r\n", limits)?.contains("depth") == true)
    #expect(try violation("*101\r\n", limits)?.contains("elements") == true)
    #expect(try violation("*2147483647\r\n", limits)?.contains("elements") == true)
    #expect(try violation("*99999999999999999999\r\n", limits) != nil)
    #expect(try violation("*-5\r\n", limits) != nil)
    #expect(try violation("$1001\r\n", limits)?.contains("bulkBytes") == true)
    #expect(try violation("$9223372036854775807\r\n", limits) != nil)
    #expect(try violation("$99999999999999999999\r\n", limits) != nil)
    #expect(try violation("$-2\r\n", limits) != nil)
    #expect(try violation("$" + String(repeating: "0", count: 40), limits) != nil)
    #expect(try violation("+" + String(repeating: "x", count: 101), limits)?.contains("lineBytes") == true)
    let bulk = "$900\r\n" + String(repeating: "x", count: 900) + "\r\n"
    #expect(try violation("*3\r\n" + bulk + bulk + bulk, limits)?.contains("replyBytes") == true)
    #expect(try violation("*2\r\n*60\r\n" + String(repeating: ":1\r\n", count: 60) + "*60\r\n", limits) != nil)
    #expect(try violation("%1\r\n+a\r\n+b\r\n", limits)?.contains("RESP2") == true)
    #expect(try violation(":12a\r\n", limits) != nil)
  }

  @Test func aReplyBrokenOffHalfWayIsReleased() throws {
    // Under a leak checker this is where a tree of objects would be lost.
    for _ in 0..<1000 {
      let reader = try reader()
      #expect(try feed(reader, "*3\r\n*2\r\n$5\r\nhello\r\n*2\r\n:1\r\n").isEmpty)
      #expect(throws: RESPViolation.self) { try feed(reader, "!bad\r\n") }
    }
  }

  @Test func eachReplyStartsWithACleanSheet() throws {
    let reader = try reader(RESPLimits(elements: 3, bulkBytes: 10, replyBytes: 100))
    for _ in 0..<100 { #expect(try feed(reader, "*2\r\n:1\r\n$3\r\nabc\r\n").count == 1) }
  }

  @Test func writesCommands() throws {
    var buffer = OutputBuffer()
    buffer.append(RedisCommand<String>("SET", "key", 42, [13, 10] as [UInt8]).arguments)
    let written = Array(buffer.bytes)
    #expect(written == Array("*4\r\n$3\r\nSET\r\n$3\r\nkey\r\n$2\r\n42\r\n$2\r\n\r\n\r\n".utf8))
    buffer.consume(5)
    let left = buffer.count
    #expect(left == 39 - 6)
    let large = [UInt8](repeating: 7, count: 3 << 20)
    buffer.append(RedisCommand<String>("SET", "key", large).arguments)
    let grown = buffer.count
    #expect(grown > 3 << 20)
    buffer.consume(.max)
    let isEmpty = buffer.isEmpty
    #expect(isEmpty)
  }
}
