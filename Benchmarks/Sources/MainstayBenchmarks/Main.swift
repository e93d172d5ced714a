import Glibc

/// Prints `name<TAB>nanoseconds` for each benchmark, or for those whose name begins with the first argument.
@main
struct Main {
  static var all: [Benchmark] { EventBenchmarks.all }

  static func main() async {
    let prefix = CommandLine.arguments.dropFirst().first ?? ""
    await Task.detached {
      for benchmark in all where benchmark.name.hasPrefix(prefix) {
        print("\(benchmark.name)\t\(await benchmark.measure())")
      }
    }.value
  }
}
