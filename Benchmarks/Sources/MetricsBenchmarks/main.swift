import Dispatch
import Glibc
import MainstayInstruments
import Synchronization

// Recording and scraping. Prints one line a benchmark: name and nanoseconds (or bytes). The Go and Python programs under
// peers/metrics do the same work with the clients of Prometheus.

func seconds(_ clock: clockid_t) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// CPU time of the process per operation, the least of some rounds; with `wall`, elapsed time instead.
@inline(never) func row(_ name: String, _ operations: Int, wall: Bool = false, _ body: (Int) throws -> Void) rethrows {
  let clock = wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID
  var best = Double.infinity
  for _ in 0..<7 {
    let start = seconds(clock)
    try body(operations)
    best = min(best, seconds(clock) - start)
  }
  print("\(name)\t\(best / Double(operations) * 1e9)")
}

func onTwoThreads(_ operations: Int, _ body: @escaping @Sendable (Int) -> Void) {
  DispatchQueue.concurrentPerform(iterations: 2) { _ in body(operations / 2) }
}

func residentBytes() -> Double {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 128)
  let count = fread(&bytes, 1, bytes.count, file)
  let pages = String(decoding: bytes[..<count], as: UTF8.self).split(separator: " ").dropFirst().first
  return (pages.flatMap { Double($0) } ?? 0) * 4_096
}

final class Cell: Sendable {
  let value = Atomic<UInt64>(0)
}

var limits = MetricsLimits()
(limits.series, limits.seriesPerFamily, limits.valuesPerLabel) = (1_000_000, 1_000_000, 1_000_000)
let registry = MetricsRegistry(limits: limits)

// What a counter costs that threads share.
let cell = Cell()
row("metrics.atomic", 20_000_000) { for _ in 0..<$0 { cell.value.wrappingAdd(1, ordering: .relaxed) } }

let counter = try registry.counter("a_total", help: "A.")
row("metrics.inc", 20_000_000) { for _ in 0..<$0 { counter.increment() } }

let family = try registry.counter("b_total", help: "B.", labels: ["method", "route", "status"])
for index in 0..<1_000 { family.labels("GET", "/api/v1/r\(index)", "200").increment() }
row("metrics.labelled", 1_000_000) { for _ in 0..<$0 { family.labels("GET", "/api/v1/r500", "200").increment() } }

let histogram = try registry.histogram("c_seconds", help: "C.")
row("metrics.observe", 5_000_000) { for index in 0..<$0 { histogram.observe(Double(index % 1_000) / 100) } }

let summary = try registry.summary("d", help: "D.")
row("metrics.summary", 5_000_000) { for index in 0..<$0 { summary.observe(Double(index % 1_000) / 100) } }

let shared = try registry.counter("e_total", help: "E.")
row("metrics.inc.2.wall", 20_000_000, wall: true) {
  onTwoThreads($0) { for _ in 0..<$0 { shared.increment() } }
}
let sharedHistogram = try registry.histogram("f_seconds", help: "F.")
row("metrics.observe.2.wall", 10_000_000, wall: true) {
  onTwoThreads($0) { for index in 0..<$0 { sharedHistogram.observe(Double(index % 1_000) / 100) } }
}

for count in [10_000, 100_000] {
  let registry = MetricsRegistry(limits: limits)
  let before = residentBytes()
  let start = seconds(CLOCK_PROCESS_CPUTIME_ID)
  let requests = try registry.counter("http_requests_total", help: "", labels: ["method", "route", "status"])
  for index in 0..<count {
    requests.labels("GET", "/api/v1/r\(index / 10)", "\(200 + index % 10)").increment(by: UInt64(index))
  }
  let register = seconds(CLOCK_PROCESS_CPUTIME_ID) - start
  print("metrics.register.\(count)\t\(register / Double(count) * 1e9)")
  if count == 100_000 { print("metrics.series.bytes\t\((residentBytes() - before) / Double(count))") }
  var written = 0
  row("metrics.scrape.\(count)", 1) { _ in
    written = 0
    MetricsScrape([("benchmark", registry)]).write(as: .prometheusText) { written += $0.count }
  }
  precondition(count == 10_000 || written > 7_000_000)
}

let histograms = MetricsRegistry(limits: limits)
let durations = try histograms.histogram("g_seconds", help: "", labels: ["route"])
for index in 0..<7_143 {
  let series = durations.labels("/api/v1/r\(index)")
  for value in 0..<20 { series.observe(Double(value) / 3) }
}
row("metrics.scrape.histograms", 1) { _ in
  MetricsScrape([("benchmark", histograms)]).write(as: .prometheusText) { _ in }
}
