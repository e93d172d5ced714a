import Foundation
import FoundationNetworking
import MainstayHTTP
import MainstayHTTPServer
import MainstayInstruments
import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayMetrics

/// What somebody may send who wishes us ill: every answer is quick, and a refusal is one that says why.
@Suite(.serialized, .timeLimit(.minutes(2))) struct HostileInputTests {
  private static let manifest = """
    plugins: { http: { port: 0 }, metrics: { access: open, write_access: open, history: { step: 1s } } }
    """

  private struct Answer {
    let status: Int
    let text: String

    /// What cannot be read and what cannot be done are both refused; which it is depends on who notices first.
    func `is`(_ expected: Int) -> Bool { status == expected || Set([status, expected]) == [400, 422] }
  }

  private struct Sender {
    let address: String

    func send(_ path: String, _ body: Data) async throws -> Answer {
      try await send("POST", "/metrics/" + path, bytes: body)
    }

    func send(_ method: String, _ path: String, _ body: String? = nil) async throws -> Answer {
      try await send(method, path, bytes: body.map { Data($0.utf8) })
    }

    private func send(_ method: String, _ path: String, bytes body: Data?) async throws -> Answer {
      var request = URLRequest(url: try #require(URL(string: address + path)))
      request.httpMethod = method
      request.httpBody = body
      if body != nil { request.setValue("application/json", forHTTPHeaderField: "Content-Type") }
      let (data, response) = try await URLSession.shared.data(for: request)
      return Answer(
        status: try #require(response as? HTTPURLResponse).statusCode, text: String(decoding: data, as: UTF8.self))
    }
  }

  private func withSender(_ body: (Sender, Kernel) async throws -> Void) async throws {
    try await withHost([HTTPPlugin.self, MetricsPlugin.self], manifest: Self.manifest) { kernel in
      try await body(Sender(address: try #require(kernel.events.last(HTTPListening.self)).address), kernel)
    }
  }

  private static let deep = String(repeating: "[", count: 20_000)
  private static let long = String(repeating: "x|*", count: 30_000)

  @Test func questions() async throws {
    try await withSender { sender, _ in
      let start = #"{"metric":"http_requests_total","aggregation":"rate""#
      try await eventually {
        try await sender.send("POST", "/metrics/query", start + "}").status == 200
      }
      for (rest, status) in [
        // A step that no time changes by.
        (#","start":-0.0001,"step":1e-7}"#, 422), (#","start":-1,"step":1e-300}"#, 422),
        (#","start":-1e9,"step":1}"#, 422), (#","start":0,"end":-5}"#, 422), (#","step":0}"#, 422),
        (#","step":-1}"#, 422), (#","window":0}"#, 422), (#","window":-1e300}"#, 422), (#","window":1e300}"#, 422),
        (#","start":1e300}"#, 422), (#","start":1e308,"end":1e308}"#, 422), (#","start":1e309}"#, 400),
        (#","start":NaN}"#, 400), (#","window":1e9}"#, 422), (#","window":9.9e8,"start":-2000,"step":1}"#, 200),
        (#","labels":{"status":"\#(Self.long)"}}"#, 422), (#","labels":{"nobody":"x"}}"#, 422),
        (#","labels":{"a\n":"x"}}"#, 422), (#","group_by":["nobody"]}"#, 422),
        (#","group_by":["status","status"]}"#, 422),
        (#","group_by":[\#((0..<10_000).map { "\"l\($0)\"" }.joined(separator: ","))]}"#, 422),
        (#","labels":\#(Self.deep)}"#, 400), (#","labels":7}"#, 400), ("", 400),
      ] {
        let answer = try await sender.send("POST", "/metrics/query", start + rest)
        #expect(answer.is(status), "\(rest.prefix(100)): \(answer.text.prefix(200))")
      }
      for aggregation in ["p101", "p-1", "pnan", "pinf", "p", "above:nan", "above:inf", "above:", "Sum", "", "p1e400"] {
        let body = #"{"metric":"http_request_duration_seconds","aggregation":"\#(aggregation)"}"#
        #expect(try await sender.send("POST", "/metrics/query", body).status == 422, "\(aggregation)")
      }
    }
  }

  @Test func rulesAndSilences() async throws {
    try await withSender { sender, _ in
      func rule(_ rest: String, name: String = "Bad", metric: String = "http_requests_total") -> String {
        #"{"name":"\#(name)","value":{"metric":"\#(metric)","aggregation":"rate"},"threshold":1\#(rest)}"#
      }
      for (body, status) in [
        (rule(#","for":1e300"#), 422), (rule(#","keep_firing_for":1e300"#), 422), (rule(#","for":-1"#), 422),
        (rule(#","escalation":[{"after":1e300,"channels":[]}]"#), 422), (rule(#","limit":99999999999999999999"#), 400),
        (rule(#","limit":0"#), 422), (rule(#","labels":{"a: b\n      - alert":"x"}"#), 422),
        (rule("", metric: "x} or vector(1) #"), 422), (rule("", name: "a b"), 422), (rule("", name: ""), 422),
        (rule(#","clear_threshold":1e308,"threshold":-1e308"#), 400),
        (rule(#","summary":"\#(Self.long)"#), 422), (rule(#","divided_by":{"metric":"","aggregation":"rate"}"#), 422),
        (rule(#","short_window":1e300"#), 422), (rule("", name: "HighErrorRate"), 409),
        (rule(#","for":2592000,"threshold":1e308"#.replacing("\"threshold\":1e308", with: "\"limit\":1")), 201),
        (#"{"name":"Huge","value":{"metric":"host_ready","aggregation":"last"},"threshold":-1e308}"#, 201),
      ] {
        let answer = try await sender.send("POST", "/metrics/alerts", body)
        #expect(answer.is(status), "\(body.prefix(120)): \(answer.text.prefix(200))")
      }
      let rules = try await sender.send("GET", "/metrics/rules")
      #expect(rules.status == 200 && rules.text.contains("for: 30d"))
      for (body, status) in [
        (#"{"labels":{},"duration":60}"#, 422), (#"{"labels":{"a":"b"},"duration":0}"#, 422),
        (#"{"labels":{"a":"b"},"duration":1e300}"#, 422), (#"{"labels":{"a":"\#(Self.long)"},"duration":60}"#, 422),
        (#"{"labels":{"a":"!*|\\"},"duration":1e-300}"#, 201), (#"{"labels":{"":""},"duration":60}"#, 201),
        (#"{"labels":{"alertname":"***|!|\\\\"},"duration":60,"comment":"\#(Self.long)"}"#, 201),
      ] {
        let answer = try await sender.send("POST", "/metrics/silences", body)
        #expect(answer.is(status), "\(body.prefix(120)): \(answer.text.prefix(200))")
      }
      #expect(try await sender.send("GET", "/metrics/alerts").status == 200)
      #expect(try await sender.send("DELETE", "/metrics/silences/..%2F%00").status >= 400)
    }
  }

  @Test func definitionsAndRecords() async throws {
    try await withSender { sender, kernel in
      for (body, status) in [
        (#"{"name":"a b","type":"counter"}"#, 422), (#"{"name":"","type":"counter"}"#, 422),
        (#"{"name":"a","type":"counter","labels":["le\n"]}"#, 422), (#"{"name":"a","type":"quantum"}"#, 422),
        (#"{"name":"a","type":"histogram","buckets":[1,1]}"#, 422),
        (#"{"name":"a","type":"histogram","buckets":[\#((0..<5_000).map { "\($0)" }.joined(separator: ","))]}"#, 422),
        (#"{"name":"a","type":"gauge","help":"\#(Self.long)"}"#, 422),
        // Whoever takes a name of a plugin would blind those who watch it.
        (#"{"name":"http_requests_total","type":"counter"}"#, 409), (#"{"name":"host_ready","type":"gauge"}"#, 409),
        (#"{"name":"money","type":"counter","labels":["who"]}"#, 201), (#"{"name":"heat","type":"gauge"}"#, 201),
      ] {
        let answer = try await sender.send("POST", "/metrics/definitions", body)
        #expect(answer.is(status), "\(body.prefix(120)): \(answer.text.prefix(200))")
      }
      for (path, body, status) in [
        ("business", #"{"name":"money","value":-1}"#, 422), ("business", #"{"name":"money","value":1e309}"#, 400),
        ("business", #"{"name":"money","value":1e308}"#, 202), ("business", #"{"name":"money","value":1e308}"#, 202),
        ("business", #"{"name":"nobody\u0000\n"}"#, 404), ("business", #"{"name":"heat","value":-1e308}"#, 202),
        ("business", #"{"name":"money","context":{"who":"\"} 1\nevil 2","x":[1],"y":{"z":null}}}"#, 202),
        ("business", #"{"name":"money","context":{"who":"\#(Self.long)"}}"#, 202),
        ("business", #"{"name":"money","context":\#(Self.deep)}"#, 400),
        ("performance", #"{"name":"x","duration_ms":-1}"#, 422), ("performance", #"{"name":"x"}"#, 422),
        ("performance", #"{"name":"x","duration_seconds":1e300}"#, 422),
        ("performance", #"{"name":"\u202e\n#","duration_ms":1}"#, 202),
        ("healthcare", #"{"name":"patient_appointments","anonymized":false}"#, 422),
      ] {
        let answer = try await sender.send("POST", "/metrics/" + path, body)
        #expect(answer.is(status), "\(body.prefix(120)): \(answer.text.prefix(200))")
      }
      let text = try await sender.send("GET", "/metrics").text
      #expect(!text.contains("\nevil 2"))
      #expect(text.contains(#"money_total{who="\"} 1\nevil 2"} 1"#))
      #expect(text.contains("http_requests_total{"))
      for path in [
        "/metrics?format=", "/metrics?format=%00", "/metrics?name[]=&name[]=%ff", "/metrics/alerts/%0a/acknowledge",
        "/metrics?" + (0..<500).map { "name[]=m\($0)" }.joined(separator: "&"),
      ] {
        #expect(try await sender.send("GET", path).status < 500, "\(path.prefix(60))")
      }
      #expect(kernel.status.isReady)
    }
  }

  /// A slip of the pen must not be taken for a default: the alert would never come.
  @Test func membersThatAreNotKnownAreNamed() async throws {
    try await withSender { sender, _ in
      let rule = #"{"name":"A","value":{"metric":"host_ready","aggregation":"last"},"threshold":1"#
      func value(_ rest: String) -> String { #"{"name":"A","value":{"metric":"host_ready"\#(rest)},"threshold":1}"# }
      for (path, body, wanted) in [
        ("alerts", rule + #","For":300}"#, ["'For'", "keep_firing_for"]),
        ("alerts", value(#","groupBy":[]"#), ["'groupBy' of 'value'"]),
        ("alerts", rule + #","divided_by":{"metric":"a","aggregation":"last","by":1}}"#, ["'by' of 'divided_by'"]),
        ("alerts", rule + #","comparison":"=="}"#, ["'comparison'", ">="]),
        ("alerts", rule + #","no_data":"panic"}"#, ["'no_data'", "resolve, keep, fire"]),
        ("alerts", value(#","aggregation":"median""#), ["p50"]),
        ("alerts", rule + ",\"\(String(repeating: "é", count: 9_000))\":1}", ["is not known"]),
        ("query", #"{"metric":"host_ready","aggregation":"last","groupBy":["x"]}"#, ["'groupBy'", "group_by"]),
        ("silences", #"{"labels":{"a":"b"},"duration":60,"until":1}"#, ["'until'"]),
        ("definitions", #"{"name":"a","type":"counter","label":["x"]}"#, ["'label'"]),
        ("definitions", #"{"name":"a","type":"quantum"}"#, ["'type'", "up_down"]),
        ("export", #"{"format":"csv","names":[]}"#, ["'names'"]),
        ("business", #"{"name":"meals","valeu":3}"#, ["'valeu'", "value"]),
        ("performance", #"{"name":"x","duration":3}"#, ["'duration'", "duration_ms"]),
        ("performance", #"{"name":"x","duration_seconds":1e12}"#, ["not below 0 and below"]),
        ("healthcare", #"{"name":"x","ward":"b"}"#, ["'ward'", "department"]),
      ] {
        let answer = try await sender.send("POST", "/metrics/" + path, body)
        let words = "\(body.prefix(120)): \(answer.text.prefix(300))"
        #expect(answer.status == 422 && answer.text.utf8.count < 1_000, "\(words)")
        for word in wanted { #expect(answer.text.contains(word), "\(word): \(words)") }
      }
      #expect(try await sender.send("POST", "/metrics/alerts", rule + #","divided_by":null}"#).status == 201)
    }
  }

  /// What is no text is refused, and not recorded without it.
  @Test func bytesThatAreNoTextAreRefused() async throws {
    try await withSender { sender, _ in
      let definition = #"{"name":"a","type":"counter","labels":["who"]}"#
      #expect(try await sender.send("POST", "/metrics/definitions", definition).status == 201)
      for (path, head, tail) in [
        ("business", #"{"name":"a","context":{"who":""#, #""}}"#), ("business", #"{"name":"a"#, #""}"#),
        ("performance", #"{"name":"x"#, #"","duration_ms":1}"#),
        ("query", #"{"aggregation":"rate","metric":"a"#, #""}"#),
      ] {
        let answer = try await sender.send(path, Data(Array(head.utf8) + [0xFF, 0xFE, 0x41] + Array(tail.utf8)))
        #expect(answer.is(422), "\(path): \(answer.status) \(answer.text.prefix(200))")
      }
      #expect(try await sender.send("GET", "/metrics").text.contains("a_total{who=\"\"} 0\n"))
    }
  }

  /// A window of thirty years is no more work than all that is kept.
  @Test func aHugeWindowLooksAtWhatIsKeptOnly() {
    var ring = SeriesRing(columns: 1, capacity: 10)
    for tick in 1_000...1_005 { ring.record([Double(tick)], at: tick) }
    #expect(ring.increase(0, (-1_000_000_000_000)...1_005, wasBorn: false) == 5)
    #expect(ring.increase(0, 1_003...1_005, wasBorn: false) == 3)
    #expect(ring.increase(0, 1_000_000...2_000_000_000_000, wasBorn: false) == nil)
    for tick in 1_006...1_020 { ring.record([Double(tick)], at: tick) }
    #expect(ring.increase(0, 1_012...1_020, wasBorn: false) == 9)
    #expect(ring.increase(0, 1...1_020, wasBorn: false) == 9)
  }

  @Test func durationsOfAnyLengthCanBeWritten() {
    #expect(PromQL.duration(1e300) == PromQL.duration(.infinity) && PromQL.duration(-5) == "1s")
    #expect(1e300.shortText == "1e+300" && 0.0144.shortText == "0.0144" && 1e6.shortText == "1000000")
  }
}
