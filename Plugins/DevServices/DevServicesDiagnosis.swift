import MainstayCapabilities
import MainstayDevServers
import MainstayKernel

/// What `mainstay doctor` says.
struct DevServicesDiagnosis {
  private let configuration: DevServicesConfiguration
  private let making: ServerMaking

  init(_ configuration: DevServicesConfiguration) {
    // The host's name only decides on the last part of a path that is looked at as far as it exists.
    self.init(configuration, making: ServerMaking(configuration, hostName: "host"))
  }

  init(_ configuration: DevServicesConfiguration, making: ServerMaking) {
    (self.configuration, self.making) = (configuration, making)
  }

  var findings: [Diagnosis] {
    var findings: [Diagnosis] = []
    if configuration.postgres.enabled {
      findings.append(finding(.postgres) { try PostgresServer.inspect(try making.postgresOptions()) })
    }
    if configuration.redis.enabled {
      findings.append(finding(.redis) { try RedisServer.inspect(try making.redisOptions()) })
    }
    return findings
  }

  /// Nothing here is a problem: a host without these servers runs, and who needs one says so.
  private func finding(_ kind: ServerKind, _ inspect: () throws -> String) -> Diagnosis {
    let subject = "\(kind.rawValue) for development"
    do {
      return Diagnosis(.fine, subject: subject, try inspect())
    } catch let error as DevServerError {
      return Diagnosis(
        .notice, subject: subject, error.message, remedy: "or give the server's address to whoever needs it")
    } catch {
      return Diagnosis(.notice, subject: subject, "\(error)")
    }
  }
}
