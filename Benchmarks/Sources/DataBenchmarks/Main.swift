import Glibc
import MainstayReactor
import Synchronization

/// One client of the data path, for so many seconds. Prints lines `name<TAB>nanoseconds`.
///
///     DataBenchmarks POSTGRES_CONNINFO REDIS_SOCKET SECONDS ROWS WHAT…
///
/// `data_benchmark.py` starts the servers and calls it once a figure, in turn with the peers.
@main
struct Main {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 6, let seconds = Int(arguments[3]), let rows = Int(arguments[4]) else {
      print("usage: DataBenchmarks POSTGRES_CONNINFO REDIS_SOCKET SECONDS ROWS WHAT…")
      exit(64)
    }
    let what = Array(arguments[5...])
    // What ends in "x2" is measured with two reactors.
    let reactors = try (0..<(what[0].hasSuffix("x2") ? 2 : 1)).map { try Reactor(name: "data-\($0)") }
    let length = Duration.seconds(seconds)
    try await Task.detached {
      if what[0] == "redis" {
        try await RedisBenchmarks(socket: arguments[2], reactors: reactors, length: length).run(what)
      } else {
        try await PostgresBenchmarks(connection: arguments[1], reactors: reactors, length: length, rows: rows).run(what)
      }
    }.value
  }
}

/// Wall and CPU time since it was made.
struct Stopwatch {
  private let begun = nanoseconds(CLOCK_MONOTONIC)
  private let used = nanoseconds(CLOCK_PROCESS_CPUTIME_ID)

  func report(_ name: String, operations: Int) {
    let wall = Self.nanoseconds(CLOCK_MONOTONIC) - begun
    let processor = Self.nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - used
    print("\(name)\t\(wall / Double(operations))")
    print("\(name).cpu\t\(processor / Double(operations))")
  }

  static func nanoseconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}

/// What is measured: it runs where its caller runs, as a function of an application does that is `nonisolated(nonsending)`.
typealias Operation = nonisolated(nonsending) @Sendable (_ task: Int, _ number: Int) async throws -> Void

/// Runs tasks side by side, on the reactors in turn, until the time is up; returns how many operations they did together.
func together(
  _ tasks: Int, on reactors: [Reactor], for length: Duration,
  _ operation: @escaping Operation
) async throws -> Int {
  let end = ContinuousClock.now.advanced(by: length)
  return try await withThrowingTaskGroup(of: Int.self) { group in
    for task in 0..<tasks {
      group.addTask(executorPreference: reactors[task % reactors.count]) {
        var count = 0
        while true {
          // Looking at the clock each time would be measured, too.
          for _ in 0..<16 {
            try await operation(task, count)
            count += 1
          }
          if ContinuousClock.now >= end { return count }
        }
      }
    }
    return try await group.reduce(0, +)
  }
}

/// A number from 1 to `count`. The system's generator asks the kernel each time, which would be measured, too.
func aRow(of count: Int) -> Int {
  let state = rows.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
  var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
  mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
  return Int((mixed ^ (mixed >> 31)) % UInt64(max(1, count))) + 1
}

private let rows = Atomic<UInt64>(20_261_121)
