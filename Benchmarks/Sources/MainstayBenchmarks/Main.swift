import Glibc

/// Prints `name<TAB>nanoseconds of CPU` and `name.wall<TAB>nanoseconds that passed` for each benchmark, or for those
/// whose name begins with the first argument.
@main
struct Main {
  static var all: [Benchmark] { EventBenchmarks.all }

  static func main() async {
    let prefix = CommandLine.arguments.dropFirst().first ?? ""
    await Task.detached {
      for benchmark in all where benchmark.name.hasPrefix(prefix) {
        let cost = await benchmark.measure()
        print("\(benchmark.name)\t\(cost.processor)")
        print("\(benchmark.name).wall\t\(cost.wall)")
      }
    }.value
  }
}
