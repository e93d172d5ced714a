import MainstayTesting
import Testing

@testable import MainstayInstruments

@Suite struct ExpositionTests {
  let clock = ManualClock(timeSinceEpoch: .seconds(1_000))
  let registry: MetricsRegistry

  init() throws {
    registry = MetricsRegistry(clock: clock)
    let requests = try registry.counter("http_requests_total", help: "Requests.\nAll \"of\" them \\", labels: ["path"])
    requests.labels("/a\"b\\c\nd").increment(by: 3, traceID: "4bf92f3577b34da6a3ce929d0e0e4736")
    let wait = try registry.timer("wait_seconds", help: "Waiting.", buckets: Buckets([0.5, 1]))
    wait.observe(0.25)
    clock.advance(by: .milliseconds(1_500))
    wait.observe(3, traceID: "abc")
    try registry.gauge("load", help: "") { 0.1 + 0.2 }
    try registry.collect("queue", help: "Queues.", labels: ["name"]) { samples in
      samples.add(1, "=a,b")
      samples.add(.infinity, "b;")
      samples.add(5, "b;")
    }
    _ = try registry.counter("empty_total", help: "Nothing yet.", labels: ["x"])
  }

  private func text(_ format: ExpositionFormat) -> String {
    String(decoding: MetricsScrape([("clinic", registry)]).bytes(as: format), as: UTF8.self)
  }

  @Test func prometheusText() {
    #expect(
      text(.prometheusText) == #"""
        # HELP empty_total Nothing yet.
        # TYPE empty_total counter
        # HELP http_requests_total Requests.\nAll "of" them \\
        # TYPE http_requests_total counter
        http_requests_total{path="/a\"b\\c\nd"} 3
        # TYPE load gauge
        load 0.30000000000000004
        # HELP queue Queues.
        # TYPE queue gauge
        queue{name="=a,b"} 1
        queue{name="b;"} +Inf
        # HELP wait_seconds Waiting.
        # TYPE wait_seconds histogram
        wait_seconds_bucket{le="0.5"} 1
        wait_seconds_bucket{le="1.0"} 1
        wait_seconds_bucket{le="+Inf"} 2
        wait_seconds_sum 3.25
        wait_seconds_count 2

        """#)
    #expect(registry.diagnostics.droppedSamples > 0)
  }

  @Test func aHistogramReadFromAClosureIsWrittenAsOne() throws {
    let registry = MetricsRegistry(clock: clock)
    try registry.collectHistogram(
      "wait_seconds", help: "", labels: ["pool"], buckets: Buckets([0.5, 1])
    ) { samples in
      samples.add(buckets: [1, 0, 2], sum: 6.5, "a\"b")
      samples.add(buckets: [1], sum: 1, "too few")
      samples.add(3, "no histogram")
    }
    let scrape = MetricsScrape([("clinic", registry)])
    #expect(
      String(decoding: scrape.bytes(as: .openMetrics), as: UTF8.self) == #"""
        # TYPE wait_seconds histogram
        # UNIT wait_seconds seconds
        wait_seconds_bucket{pool="a\"b",le="0.5"} 1
        wait_seconds_bucket{pool="a\"b",le="1.0"} 1
        wait_seconds_bucket{pool="a\"b",le="+Inf"} 3
        wait_seconds_sum{pool="a\"b"} 6.5
        wait_seconds_count{pool="a\"b"} 3
        # EOF

        """#)
    let csv = String(decoding: scrape.bytes(as: .csv), as: UTF8.self)
    #expect(csv.contains("wait_seconds,histogram,clinic,bucket,\"pool=a\"\"b;le=+Inf\",3\r\n"))
    let json = String(decoding: scrape.bytes(as: .json), as: UTF8.self)
    #expect(json.contains(#""count":3,"sum":6.5,"buckets":[{"le":0.5,"count":1}"#))
    let snapshot = try #require(scrape.snapshots { _ in true }.first)
    #expect(snapshot.columns == [.bucket(0.5), .bucket(1), .bucket(.infinity), .sum])
    #expect(snapshot.series.map(\.numbers) == [[1, 0, 2, 6.5]])
    #expect(registry.diagnostics.droppedSamples >= 2)
    #expect(throws: MetricsError.self) {
      try registry.collectHistogram("other", help: "", buckets: Buckets([2, 1])) { _ in }
    }
    #expect(throws: MetricsError.self) { _ = try registry.histogram("wait_seconds", help: "", labels: ["pool"]) }
  }

  /// Others know `db_pool_size_total`, which is no counter.
  @Test func aGaugeWithTheSuffixOfACounterHasNoType() throws {
    let registry = MetricsRegistry(clock: clock)
    try registry.gauge("pool_size_total", help: "") { 3 }
    let scrape = MetricsScrape([("clinic", registry)])
    let text = String(decoding: scrape.bytes(as: .prometheusText), as: UTF8.self)
    #expect(text == "# TYPE pool_size_total untyped\npool_size_total 3\n")
    let open = String(decoding: scrape.bytes(as: .openMetrics), as: UTF8.self)
    #expect(open == "# TYPE pool_size_total unknown\npool_size_total 3\n# EOF\n")
    #expect(throws: MetricsError.self) { _ = try registry.counter("pool_size", help: "") }
    registry.remove("pool_size_total")
    #expect(registry.descriptors.isEmpty)
    #expect(throws: MetricsError.self) { _ = try registry.histogram("pool_size_total", help: "") }
  }

  /// However it is cut, it is the same; and nothing is held but a piece.
  @Test(arguments: ExpositionFormat.allCases) func piecesAreSmallAndMakeTheWhole(_ format: ExpositionFormat) throws {
    let many = try registry.counter("many_total", help: "", labels: ["n"])
    let waits = try registry.histogram("waits", help: "", labels: ["n"])
    for index in 0..<400 {
      many.labels(String(index)).increment()
      waits.labels(String(index)).observe(1)
    }
    try registry.collect("pulled", help: "", labels: ["n"]) { samples in
      for index in 0..<2_000 { samples.add(Double(index), "a value of some length \(index)") }
    }
    let scrape = MetricsScrape([("clinic", registry)])
    let pieces = scrape.pieces(as: format)
    var (whole, count): ([UInt8], Int) = ([], 0)
    while let piece = pieces.next() {
      #expect(piece.count < 80 << 10)
      whole += piece
      count += 1
    }
    #expect(pieces.next() == nil)
    #expect(count > 3)
    #expect(whole == scrape.bytes(as: format))
    #expect(whole.split(separator: UInt8(ascii: "\n")).count > (format == .json ? 0 : 8_000))
  }

  @Test func openMetrics() {
    #expect(
      text(.openMetrics) == #"""
        # HELP empty Nothing yet.
        # TYPE empty counter
        # HELP http_requests Requests.\nAll \"of\" them \\
        # TYPE http_requests counter
        http_requests_total{path="/a\"b\\c\nd"} 3 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 3 1000
        http_requests_created{path="/a\"b\\c\nd"} 1000
        # TYPE load gauge
        load 0.30000000000000004
        # HELP queue Queues.
        # TYPE queue gauge
        queue{name="=a,b"} 1
        queue{name="b;"} +Inf
        # HELP wait_seconds Waiting.
        # TYPE wait_seconds histogram
        # UNIT wait_seconds seconds
        wait_seconds_bucket{le="0.5"} 1
        wait_seconds_bucket{le="1.0"} 1
        wait_seconds_bucket{le="+Inf"} 2 # {trace_id="abc"} 3 1001.5
        wait_seconds_sum 3.25
        wait_seconds_count 2
        wait_seconds_created 1000
        # EOF

        """#)
  }

  @Test func json() {
    #expect(
      text(.json)
        == #"{"metrics":[{"name":"empty_total","type":"counter","help":"Nothing yet.","plugin":"clinic","series":[]},"#
        + #"{"name":"http_requests_total","type":"counter","help":"Requests.\nAll \"of\" them \\","#
        + #""plugin":"clinic","series":[{"labels":{"path":"/a\"b\\c\nd"},"value":3,"created":1000}]},"#
        + #"{"name":"load","type":"gauge","help":"","plugin":"clinic","series":[{"labels":{},"value":0.30000000000000004}]},"#
        + #"{"name":"queue","type":"gauge","help":"Queues.","plugin":"clinic","series":[{"labels":{"name":"=a,b"},"value":1},"#
        + #"{"labels":{"name":"b;"},"value":"+Inf"}]},"#
        + #"{"name":"wait_seconds","type":"histogram","help":"Waiting.","unit":"seconds","plugin":"clinic","series":["#
        + #"{"labels":{},"count":2,"sum":3.25,"buckets":[{"le":0.5,"count":1},{"le":1,"count":1},{"le":"+Inf","count":2}],"#
        + #""created":1000}]}]}"# + "\n")
  }

  @Test func csv() {
    let lines = text(.csv).split(separator: "\r\n").map(String.init)
    #expect(lines[0] == "name,type,plugin,sample,labels,value")
    #expect(lines[1] == "http_requests_total,counter,clinic,value,\"path=/a\"\"b\\\\c\nd\",3")
    #expect(lines.contains(#"queue,gauge,clinic,value,"name=\=a,b",1"#))
    #expect(lines.contains(#"queue,gauge,clinic,value,name=b\;,+Inf"#))
    #expect(lines.contains("wait_seconds,histogram,clinic,bucket,le=0.5,1"))
    #expect(lines.last == "wait_seconds,histogram,clinic,count,,2")
  }

  @Test func csvDefusesFormulas() throws {
    let registry = MetricsRegistry()
    _ = try registry.gauge("a", help: "")
    let text = String(decoding: MetricsScrape([("=cmd()", registry)]).bytes(as: .csv), as: UTF8.self)
    #expect(text.contains(#"a,gauge,"'=cmd()",value,,0"#))
  }

  @Test(arguments: [
    (0.0, "0"), (-0.0, "0"), (1, "1"), (-1, "-1"), (1e15, "1000000000000000"),
    (9_007_199_254_740_991, "9007199254740991"),
    (9_007_199_254_740_992, "9007199254740992.0"), (1e22, "1e+22"), (0.1, "0.1"), (1e-7, "1e-07"), (-2.5, "-2.5"),
    (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (Double.leastNonzeroMagnitude, "5e-324"), (10, "10"),
    (99, "99"), (100, "100"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
  ])
  func numbersAreShortAndReadBackTheSame(_ value: Double, _ text: String) throws {
    var writer = ByteWriter(capacity: 1)
    writer.append(value)
    let written = String(decoding: writer.bytes, as: UTF8.self)
    #expect(written == text)
    if value.isFinite { #expect(Double(written) == value) }
  }

  @Test func everyLengthOfWholeNumberIsWritten() {
    var value: UInt64 = 1
    for _ in 0..<20 {
      for number in [value &- 1, value, value &+ 1, .max] {
        var writer = ByteWriter(capacity: 1)
        writer.append(number)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == number.description)
      }
      value &*= 10
    }
    var writer = ByteWriter(capacity: 1)
    writer.append(Int64.min)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == Int64.min.description)
  }

  @Test func duplicatesAcrossPluginsAreReported() throws {
    let other = MetricsRegistry()
    _ = try other.gauge("load", help: "Another.")
    _ = try other.gauge("http_requests", help: "Another.")
    _ = try other.gauge("fine", help: "Fine.")
    let scrape = MetricsScrape([("clinic", registry), ("other", other), ("again", registry)])
    #expect(
      scrape.duplicates == [
        DuplicateMetric(name: "http_requests", keptFrom: "clinic", leftOutOf: "other"),
        DuplicateMetric(name: "load", keptFrom: "clinic", leftOutOf: "other"),
      ])
    #expect(scrape.definitions.filter { $0.owner == "other" }.map(\.descriptor.name) == ["fine"])
  }

  @Test func largeScrapesComeInChunksOfWholeBytes() throws {
    let registry = MetricsRegistry()
    let family = try registry.counter("a_total", help: "A.", labels: [Label("x", limit: 5_000)])
    for index in 0..<5_000 { family.labels("value-\(index)").increment() }
    let scrape = MetricsScrape([("test", registry)])
    var chunks: [Int] = []
    var bytes: [UInt8] = []
    scrape.write(as: .prometheusText) { chunk in
      chunks.append(chunk.count)
      bytes.append(contentsOf: chunk)
    }
    #expect(chunks.count > 1 && chunks.allSatisfy { $0 < 66_000 })
    #expect(bytes == scrape.bytes(as: .prometheusText))
    var some: [UInt8] = []
    scrape.write(as: .openMetrics, where: { $0.name == "b" }, to: { some.append(contentsOf: $0) })
    #expect(String(decoding: some, as: UTF8.self) == "# EOF\n")
  }

  @Test func aSinkThatThrowsEndsTheWriting() throws {
    struct Gone: Error {}
    #expect(throws: Gone.self) {
      try MetricsScrape([("clinic", registry)]).write(as: .json) { _ throws(Gone) in throw Gone() }
    }
  }
}
