import MainstayKernel
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import MainstayRedis

/// What `mainstay doctor` says: whether each target that is configured can be reached.
struct PoolDiagnosis {
  let configuration: PoolConfiguration

  init(_ configuration: PoolConfiguration) { self.configuration = configuration }

  var findings: [Diagnosis] {
    get async {
      guard let reactor = try? Reactor(name: "pool-doctor") else { return [] }
      var findings: [Diagnosis] = []
      for (name, section) in sections { findings.append(await look(name, section, reactor)) }
      if configuration.redis.enabled { findings.append(await lookAtRedis(reactor)) }
      reactor.shutdown()
      return findings
    }
  }

  private var sections: [(String, PostgresPoolConfiguration)] {
    let others = configuration.databases.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    return ([("postgres", configuration.postgres)] + others).filter { $0.1.enabled }
  }

  private func look(_ name: String, _ section: PostgresPoolConfiguration, _ reactor: Reactor) async -> Diagnosis {
    guard let url = section.url else {
      return Diagnosis(
        .notice, subject: name, "no address is configured",
        remedy: "give plugins.pool.\(name).url or DATABASE_URL; in development, dev_services may start a server")
    }
    do {
      var settings = section.settings
      (settings.min, settings.max, settings.reserve) = (1, 1, 0)
      let database = try PostgresDatabase(
        name: name, options: try section.options(url), pool: settings,
        connection: section.connectionSettings, reactors: [reactor])
      let end = ContinuousClock.now.advanced(by: .seconds(5))
      let latency: Duration
      do {
        try await database.warmUp(by: end)
        latency = try await database.ping(deadline: end)
      } catch {
        await database.drain(by: .now)
        throw error
      }
      await database.drain(by: .now.advanced(by: .seconds(1)))
      return Diagnosis(.fine, subject: name, "answers in \((latency / .microseconds(1)).rounded() / 1_000) ms")
    } catch {
      return Diagnosis(.problem, subject: name, PoolStartError.reason(error))
    }
  }

  private func lookAtRedis(_ reactor: Reactor) async -> Diagnosis {
    guard let url = configuration.redis.url else {
      return Diagnosis(
        .notice, subject: "redis", "no address is configured",
        remedy: "give plugins.pool.redis.url or REDIS_URL; in development, dev_services may start a server")
    }
    do {
      let client = try RedisClient(try configuration.redis.options(url), reactor: reactor)
      defer { client.close() }
      try await client.connect(deadline: .now.advanced(by: .seconds(5)))
      return Diagnosis(.fine, subject: "redis", "answers at \(client.options.address)")
    } catch {
      return Diagnosis(configuration.redis.required ? .problem : .notice, subject: "redis", "\(error)")
    }
  }
}
