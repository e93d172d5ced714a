import Glibc
import Instrumentation
import Logging
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayKernel

final class RecordedLines: LogOutput {
  private let lines = Mutex<[String]>([])
  func write(_ line: [UInt8]) { lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
  var all: [String] { lines.withLock { $0 } }
}

@Suite struct LoggingTests {
  let lines = RecordedLines()
  let clock = ManualClock(timeSinceEpoch: .milliseconds(1_795_238_901_123))

  func logger(_ settings: LogSettings = LogSettings()) -> Logger {
    Logger(label: "mainstay") { [lines, clock] label in
      MainstayLogHandler(label: label, settings: settings, output: lines, clock: clock)
    }
  }

  @Test func writesOneObjectALine() throws {
    var logger = logger()
    logger[metadataKey: "plugin"] = "pool"
    var context = ServiceContext.topLevel
    context.requestID = "r-1"
    context.traceContext = TraceContext(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    ServiceContext.withValue(context) {
      logger.info("opened\n{\"level\":\"forged\"}", metadata: ["count": "3", "url": "redis://:pw@h", "password": "x"])
    }
    let line = try #require(lines.all.first)
    #expect(line.hasSuffix("}\n") && line.filter(\.isNewline).count == 1)
    #expect(
      try JSONValue(parsing: line) == [
        "time": "2026-11-21T05:28:21.123Z", "level": "info", "logger": "mainstay", "plugin": "pool",
        "request_id": "r-1",
        "trace_id": "0af7651916cd43dd8448eb211c80319c", "message": "opened\n{\"level\":\"forged\"}",
        "metadata": ["count": "3", "url": "redis://:<redacted>@h", "password": "<redacted>"],
      ])
  }

  @Test func writesTextForPeople() {
    var logger = logger(LogSettings(format: .text))
    logger[metadataKey: "plugin"] = "http"
    logger.warning("slow\u{1B}[31m\nINFO forged", metadata: ["path": "/a b", "ms": "12", "list": ["a", ["k": "v"]]])
    #expect(
      lines.all == [
        #"05:28:21.123 WARN  http       slow\u001b[31m\nINFO forged list=["a",{"k":"v"}] ms=12 path="/a b""# + "\n"
      ])
  }

  @Test func hidesPatientData() {
    struct Patient { let name = PHI("Jane"); let age = PHI(50) }
    logger().info("\(Patient()) \(PHI("Jane"))", metadata: ["p": "\(Patient())", "q": .stringConvertible(PHI("Jane"))])
    #expect(!lines.all.joined().contains("Jane") && !lines.all.joined().contains("50"))
    #expect((try? JSONValue(encoding: [PHI("Jane")])) == ["<redacted>"])
  }

  @Test func levelsFollowTheSettings() {
    let settings = LogSettings(level: .info, plugins: ["pool": .debug])
    var pool = logger(settings)
    pool[metadataKey: "plugin"] = "pool"
    var http = logger(settings)
    http[metadataKey: "plugin"] = "http"
    #expect(pool.logLevel == .debug && http.logLevel == .info)
    settings.update(level: .error, plugins: ["http": .trace], format: .text)
    #expect(pool.logLevel == .error && http.logLevel == .trace)
    http.logLevel = .critical
    settings.update(level: .info, format: .json)
    #expect(pool.logLevel == .info && http.logLevel == .critical)
  }

  @Test func cutsWhatIsTooLong() throws {
    logger().info("\(String(repeating: "é", count: 100_000))")
    #expect(try #require(lines.all.first).utf8.count < 20_000)
  }

  @Test(arguments: [
    (Duration.zero, "1970-01-01T00:00:00.000Z"), (.seconds(951_782_400), "2000-02-29T00:00:00.000Z"),
    (.seconds(4_107_542_399), "2100-02-28T23:59:59.000Z"), (.seconds(4_107_542_400), "2100-03-01T00:00:00.000Z"),
    (.milliseconds(-1), "1969-12-31T23:59:59.999Z"), (.milliseconds(1_735_689_599_999), "2024-12-31T23:59:59.999Z"),
  ])
  func dates(_ time: Duration, _ expected: String) { #expect(Timestamp.rfc3339(time) == expected) }

  // MARK: Descriptors

  private func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    try #require(Glibc.pipe(&ends) == 0)
    for end in ends { try #require(fcntl(end, F_SETFL, O_NONBLOCK) == 0) }
    return (ends[0], ends[1])
  }

  @Test func aReaderThatIsGoneIsNoError() throws {
    let ends = try pipe()
    close(ends.read)
    let output = DescriptorOutput(descriptor: ends.write)
    output.write(Array("line\n".utf8))
    #expect(output.dropped == 1)
    close(ends.write)
  }

  @Test func aReaderThatDoesNotReadLosesLines() throws {
    let ends = try pipe()
    defer {
      close(ends.read)
      close(ends.write)
    }
    let output = DescriptorOutput(descriptor: ends.write)
    let line = Array(repeating: UInt8(ascii: "x"), count: 9_999) + [0x0A]
    for _ in 0..<20 { output.write(line) }
    let dropped = output.dropped
    #expect(dropped > 0 && dropped < 20)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    #expect(read(ends.read, &buffer, buffer.count) > 0)
    output.write(Array("whole\n".utf8))
    #expect(output.dropped == dropped)
    let count = read(ends.read, &buffer, buffer.count)
    // The line that was cut off is ended before the next one begins.
    #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: "\n").last == "whole")
  }
}
