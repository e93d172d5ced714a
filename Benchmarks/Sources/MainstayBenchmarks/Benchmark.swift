import Glibc

/// One number: what a program spends on one operation. `run` does the operation the given number of times.
struct Benchmark {
  let name: String
  let operations: Int
  let run: (Int) async -> Void

  init(_ name: String, operations: Int, _ run: @escaping (Int) async -> Void) {
    self.name = name
    self.operations = operations
    self.run = run
  }

  /// What one operation costs, in nanoseconds.
  struct Cost {
    /// CPU time of the whole process.
    let processor: Double
    /// The time that passed.
    let wall: Double
  }

  /// Measures after a tenth of the work to warm up.
  func measure() async -> Cost {
    await run(max(1, operations / 10))
    let start = nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
    let begun = nanoseconds(CLOCK_MONOTONIC)
    await run(operations)
    return Cost(
      processor: (nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - start) / Double(operations),
      wall: (nanoseconds(CLOCK_MONOTONIC) - begun) / Double(operations))
  }

  private func nanoseconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}
