import Glibc
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import Synchronization

/// PostgreSQL through the pool and typed rows, as an application uses it.
struct PostgresBenchmarks: Sendable {
  let connection: String
  let reactors: [Reactor]
  let length: Duration
  let rows: Int

  func run(_ what: [String]) async throws {
    switch what[0] {
    case "postgres.read", "postgres.read.x2": try await read(connections: what.count > 1 ? Int(what[1]) ?? 8 : 8)
    case "postgres.shared", "postgres.shared.x2": try await shared()
    case "postgres.batch", "postgres.batch.x2": try await batch()
    case "postgres.each", "postgres.each.x2": try await each()
    case "postgres.acquire": try await acquire()
    case "postgres.callers": try await callers()
    case "postgres.memory": try await memory()
    default: print("DataBenchmarks: there is no benchmark '\(what[0])'")
    }
  }

  private func database(connections: Int, waiters: Int = 1_000) async throws -> PostgresDatabase {
    var pool = PoolSettings()
    pool.min = connections
    pool.max = connections
    pool.maxWaiters = waiters
    pool.maxWaitersPerTenant = waiters
    let database = try PostgresDatabase(
      name: "bench", options: PostgresOptions(parsing: connection), pool: pool, reactors: reactors)
    database.start()
    try await database.warmUp(by: .now.advanced(by: .seconds(20)))
    return database
  }

  private var suffix: String { reactors.count > 1 ? ".x\(reactors.count)" : "" }

  private func balance(_ id: Int) -> PostgresQuery {
    PostgresQuery("SELECT abalance FROM pgbench_accounts WHERE aid = $1", Int32(truncatingIfNeeded: id))
  }

  private nonisolated(nonsending) func look(_ database: PostgresDatabase) async throws {
    let rows = try await database.query(balance(aRow(of: rows)), as: Int32.self)
    if rows.count != 1 { throw Failure.rows }
  }

  /// So many callers as connections, each with a statement of its own.
  private func read(connections: Int) async throws {
    let database = try await database(connections: connections)
    _ = try await together(connections, on: reactors, for: .milliseconds(300)) { _, _ in try await look(database) }
    let watch = Stopwatch()
    let done = try await together(connections, on: reactors, for: length) { _, _ in try await look(database) }
    watch.report("postgres.read.\(connections)\(suffix)", operations: done)
  }

  /// 64 callers, whose declared reads share Syncs on 4 connections.
  private func shared() async throws {
    let database = try await database(connections: 4)
    let read: Operation = { _, _ in
      let result = try await database.read(balance(aRow(of: rows))).decode(Int32.self)
      if result.count != 1 { throw Failure.rows }
    }
    _ = try await together(64, on: reactors, for: .milliseconds(300), read)
    let watch = Stopwatch()
    watch.report("postgres.shared.64\(suffix)", operations: try await together(64, on: reactors, for: length, read))
  }

  /// Two callers with batches of 1,000 statements.
  private func batch() async throws {
    let database = try await database(connections: 2)
    let send: Operation = { _, _ in
      let queries = (0..<1_000).map { _ in balance(aRow(of: rows)) }
      let results = try await database.batch(queries)
      for result in results where try result.decode(Int32.self).count != 1 { throw Failure.rows }
    }
    _ = try await together(2, on: reactors, for: .milliseconds(300), send)
    let watch = Stopwatch()
    let done = try await together(2, on: reactors, for: length, send)
    watch.report("postgres.batch.1000\(suffix)", operations: done * 1_000)
  }

  /// Two callers who read 1,000 rows by their keys, one statement for all.
  private func each() async throws {
    let database = try await database(connections: 2)
    let send: Operation = { _, _ in
      let results = try await database.read(each: (0..<1_000).map { _ in aRow(of: rows) }) { balance($0) }
      for result in results where try result.decode(Int32.self).count != 1 { throw Failure.rows }
    }
    _ = try await together(2, on: reactors, for: .milliseconds(300), send)
    let watch = Stopwatch()
    let done = try await together(2, on: reactors, for: length, send)
    watch.report("postgres.each.1000\(suffix)", operations: done * 1_000)
  }

  /// A connection, taken and given back; and 64 tasks over 8 connections.
  private func acquire() async throws {
    let database = try await database(connections: 8)
    let take: Operation = { _, _ in try await database.withConnection { _ in } }
    for (tasks, name) in [(1, "alone"), (64, "64")] {
      _ = try await together(tasks, on: reactors, for: .milliseconds(100), take)
      let watch = Stopwatch()
      let done = try await together(tasks, on: reactors, for: .milliseconds(500), take)
      watch.report("postgres.acquire.\(name)", operations: done)
    }
  }

  /// 10,000 callers at once on 16 connections: how long the slowest hundredth waits for its row.
  private func callers() async throws {
    let count = 10_000
    let database = try await database(connections: 16, waiters: count)
    let times = Times(count)
    for _ in 0..<3 {
      try await withTaskExecutorPreference(reactors[0]) {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for caller in 0..<count {
            group.addTask {
              let begun = Stopwatch.nanoseconds(CLOCK_MONOTONIC)
              try await look(database)
              let time = Stopwatch.nanoseconds(CLOCK_MONOTONIC) - begun
              times.values.withLock { $0[caller] = time }
            }
          }
          try await group.waitForAll()
        }
      }
    }
    let sorted = times.values.withLock { $0.sorted() }
    print("postgres.callers.p50\t\(sorted[count / 2])")
    print("postgres.callers.p99\t\(sorted[count * 99 / 100])")
  }

  /// What 100 connections that have each prepared a statement take, a connection.
  private func memory() async throws {
    let before = residentBytes()
    let database = try await database(connections: 100)
    _ = try await together(100, on: reactors, for: .milliseconds(300)) { _, _ in try await look(database) }
    print("postgres.connection.memory\t\((residentBytes() - before) / 100)")
  }

  private func residentBytes() -> Double {
    var buffer = [UInt8](repeating: 0, count: 256)
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    let length = fread(&buffer, 1, buffer.count, file)
    let fields = String(decoding: buffer[..<length], as: UTF8.self).split(separator: " ")
    return fields.count > 1 ? (Double(fields[1]) ?? 0) * Double(sysconf(Int32(_SC_PAGESIZE))) : 0
  }

  private final class Times: Sendable {
    let values: Mutex<[Double]>
    init(_ count: Int) { values = Mutex(Array(repeating: 0, count: count)) }
  }

  enum Failure: Error { case rows }
}
