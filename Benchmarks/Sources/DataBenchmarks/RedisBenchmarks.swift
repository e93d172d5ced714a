import MainstayReactor
import MainstayRedis

/// Redis through one multiplexed connection.
struct RedisBenchmarks: Sendable {
  let socket: String
  let reactors: [Reactor]
  let length: Duration

  func run(_ what: [String]) async throws {
    let command = what.count > 1 ? what[1] : "get"
    let callers = what.count > 2 ? Int(what[2]) ?? 50 : 50
    let client = try RedisClient(RedisOptions(url: "unix://\(socket)"), reactor: reactors[0])
    try await client.connect()
    let value = "0123456789abcdef"
    let keys = (0..<10_000).map(Self.key)
    for key in keys { _ = try await client.send(.set(key, value)) }
    let pick: @Sendable (Int, Int) -> String = { task, number in keys[(task &* 7919 &+ number) % keys.count] }
    let get: Operation = { _ = try await client.send(.get(pick($0, $1))) }
    let set: Operation = { _ = try await client.send(.set(pick($0, $1), value)) }
    let operation = command == "set" ? set : get
    _ = try await together(callers, on: reactors, for: .milliseconds(300), operation)
    let watch = Stopwatch()
    let done = try await together(callers, on: reactors, for: length, operation)
    watch.report("redis.\(command).\(callers)", operations: done)
  }

  /// One byte shorter than those of redis-benchmark, so that they need no memory of their own: 10,000 texts all over the
  /// heap would measure the processor's cache.
  private static func key(_ number: Int) -> String {
    let digits = String(number)
    return "key:" + String(repeating: "0", count: 11 - digits.count) + digits
  }
}
