import MainstayCommandLine
import MainstayKernel
import Testing

@testable import MainstayEventsCommand

@Suite struct EventStreamParserTests {
  private func items(_ text: String, chunk: Int = 1000) -> ([EventStreamParser.Item], String?) {
    var parser = EventStreamParser()
    let bytes = Array(text.utf8)
    let items = stride(from: 0, to: bytes.count, by: chunk).flatMap { start in
      parser.read(bytes[start..<min(start + chunk, bytes.count)])
    }
    return (items, parser.lastID)
  }

  @Test(arguments: 1...9)
  func readsEventsHoweverTheyAreCutUp(chunk: Int) {
    let text =
      "retry: 3000\n\n: comment\n\nid: a-1\nevent: pool.exhausted\ndata: {\"a\":1}\n\ndata:x\r\ndata: y\r\n\r\nid: a-2\rdata\r\r"
    let (items, id) = items(text, chunk: chunk)
    #expect(
      items == [
        .retry(.seconds(3)), .event(type: "pool.exhausted", data: "{\"a\":1}"), .event(type: "message", data: "x\ny"),
        .event(type: "message", data: ""),
      ])
    #expect(id == "a-2")
  }

  @Test func anUnfinishedEventCountsForNothing() {
    var parser = EventStreamParser()
    #expect(parser.read(Array("id: 7\ndata: x\n".utf8)) == [])
    #expect(parser.lastID == nil)
    parser.reset()
    #expect(parser.read(Array("\n".utf8)) == [])
    #expect(parser.lastID == nil)
  }

  @Test func dropsWhatIsTooLong() {
    var parser = EventStreamParser()
    let long = [UInt8](repeating: UInt8(ascii: "a"), count: EventStreamParser.maximumLength + 10)
    #expect(
      parser.read(Array("data: ".utf8) + long + Array("\n\ndata: b\n\n".utf8)) == [.event(type: "message", data: "b")])
    #expect(parser.oversized == 1)
  }

  @Test func showsAnEventInOneLineThatSteersNoTerminal() {
    let data = """
      {"topic":"pool.exhausted","time":"2026-01-31T12:00:00.250Z","requestId":"r\\u001b[31m1","event":{"a":"\\u001b[2J"}}
      """
    let line = EventLine(style: .plain, json: false).text(type: "x", data: data)
    #expect(line == "12:00:00.250 pool.exhausted {\"a\":\"\\u001b[2J\"} request=r[31m1")
    #expect(EventLine(style: .plain, json: false).text(type: "x", data: "\u{1B}oops\n") == "\"\\u001boops\\n\"")
    let lost = EventLine(style: .plain, json: false).text(
      type: "bus.dropped", data: "{\"dropped\":2,\"total\":2,\"topic\":\"bus.dropped\"}")
    #expect(lost.hasPrefix("2 events were lost"))
    #expect(EventLine(style: .plain, json: true).text(type: "x", data: "{ \"a\" : 1 }") == "{\"a\":1}")
  }
}
