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

  /// CPU time of the whole process per operation, in nanoseconds, after a tenth of the work to warm up.
  func measure() async -> Double {
    await run(max(1, operations / 10))
    let start = processorTime()
    await run(operations)
    return (processorTime() - start) / Double(operations)
  }

  private func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}
