import MainstayTesting
import Testing

@testable import MainstayKernel

@Suite struct TraceContextTests {
  let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  @Test func readsAndWrites() throws {
    let context = try #require(TraceContext(traceparent: header, tracestate: "vendor=1,other=2"))
    #expect(context.traceparent == header && context.isSampled && context.state == "vendor=1,other=2")
    #expect(context.traceID.description == "0af7651916cd43dd8448eb211c80319c")
  }

  @Test(arguments: [
    "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
    "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
    "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
    " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319é-b7ad6b7169203331-01",
  ])
  func refuses(_ header: String) { #expect(TraceContext(traceparent: header) == nil) }

  @Test func aLaterVersionMayGoOn() {
    let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-ever"
    #expect(TraceContext(traceparent: later)?.traceparent == header)
  }

  @Test func aBadStateIsLeftOut() {
    for state in ["", "a=\n", String(repeating: "a", count: 513), String(repeating: "a=1,", count: 33)] {
      #expect(TraceContext(traceparent: header, tracestate: state)?.state == nil)
    }
  }

  @Test func aChildStaysInTheTrace() throws {
    let parent = TraceContext.random(isSampled: true)
    let child = parent.child()
    #expect(child.traceID == parent.traceID && child.spanID != parent.spanID && child.isSampled)
    #expect(TraceContext(traceparent: child.traceparent) == child)
  }

  @Test func survivesAnything() {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<10_000 {
      var bytes = Array(header.utf8)
      for _ in 0..<2 {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if let context = TraceContext(traceparent: String(decoding: bytes, as: UTF8.self)) {
        #expect(TraceContext(traceparent: context.traceparent) == context)
      }
    }
  }
}
