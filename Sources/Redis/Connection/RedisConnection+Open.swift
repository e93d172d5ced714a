import Glibc
import MainstayKernel
import MainstayReactor

extension RedisConnection {
  /// What a connection is for.
  enum Purpose {
    /// Many callers at once.
    case shared
    /// One caller at a time, whose command may block for long.
    case dedicated
  }

  /// Opens a connection that is ready for commands: name looked up, connected, encrypted, logged in, and answering. All
  /// of it by one deadline.
  static func open(
    _ options: RedisOptions, for purpose: Purpose, by deadline: MonotonicInstant, on reactor: Reactor,
    names: NameLookup = .system
  ) async throws -> RedisConnection {
    let socket = try await dial(options, by: deadline, on: reactor, names)
    let connection = try await reactor.run {
      do {
        return try RedisConnection(socket: socket, options, for: purpose, on: reactor)
      } catch {
        Glibc.close(socket)
        throw error
      }
    }
    do {
      try await connection.logIn(options, by: deadline)
      return connection
    } catch {
      connection.close(RedisError(.connectionLost, "the log-in failed"))
      throw error
    }
  }

  private convenience init(
    socket: Int32, _ options: RedisOptions, for purpose: Purpose, on reactor: Reactor
  ) throws {
    try self.init(
      socket: socket, link: try ByteLink(options), reactor: reactor,
      limits: .init(
        commands: options.maxCommandsInFlight, bytes: options.maxQueuedBytes, timeout: options.commandTimeout,
        stall: purpose == .shared ? options.stallTimeout : nil),
      replyLimits: options.replyLimits, sweepInterval: purpose == .shared ? .milliseconds(20) : .seconds(1),
      meter: options.meter)
  }

  /// Tries the addresses one after another; each gets its share of the time that is left.
  private static func dial(
    _ options: RedisOptions, by deadline: MonotonicInstant, on reactor: Reactor, _ names: NameLookup
  ) async throws -> Int32 {
    let places = try await places(options, by: deadline, on: reactor, names)
    var failures: [RedisError] = []
    for (index, place) in places.enumerated() {
      let left = MonotonicInstant.now.duration(to: deadline)
      let share = MonotonicInstant.now.advanced(by: left / (places.count - index))
      do {
        return try await Dial.connect(to: place.address, named: place.name, options: options, by: share, on: reactor)
      } catch let error as RedisError {
        failures.append(error)
      }
    }
    throw RedisError(.notConnected, failures.map(\.message).joined(separator: "; "))
  }

  /// More addresses of one name are not tried: each would get too small a share of the time.
  private static let mostAddresses = 16

  /// Where to connect to, and what errors call it.
  private static func places(
    _ options: RedisOptions, by deadline: MonotonicInstant, on reactor: Reactor, _ names: NameLookup
  ) async throws -> [(address: DialAddress, name: String)] {
    let name = "the server at \(options.address)"
    switch options.address {
    case .unix(let path): return [(.unix(path), name)]
    case .tcp(let host, let port):
      let found = try await names.addresses(of: host, by: deadline, on: reactor).prefix(mostAddresses)
      return found.map { address in
        (DialAddress(address, port: port), found.count > 1 ? "\(name) (\(address))" : name)
      }
    }
  }

  /// Logs in and chooses the database. Also done to a connection whose state somebody has changed, after a `RESET`.
  func logIn(_ options: RedisOptions, afterReset: Bool = false, by deadline: MonotonicInstant) async throws {
    let steps = LogIn.commands(options, afterReset: afterReset)
    let replies: [RESPValue]
    do {
      replies = try await send(steps.map(\.arguments), deadline: deadline)
    } catch let error as RedisError where error.code == .timedOut {
      throw RedisError(.notConnected, "the server at \(options.address) took the connection but did not answer in time")
    } catch let error as RedisError where error.code == .connectionLost {
      throw RedisError(.notConnected, "\(error.message), while logging in to \(options.address)")
    }
    for (step, reply) in zip(steps, replies) { _ = try step.decode(reply) }
  }
}

extension ByteLink {
  fileprivate init(_ options: RedisOptions) throws {
    guard let context = options.tlsContext, case .tcp(let host, let port) = options.address else {
      self = .plain
      return
    }
    self = .tls(try TLSSession(context, host: host, port: port))
  }
}

/// What is said on a new connection before any command of a caller.
enum LogIn {
  static func commands(_ options: RedisOptions, afterReset: Bool) -> [RedisCommand<RESPValue>] {
    var commands: [RedisCommand<RESPValue>] = []
    if afterReset { commands.append(RedisCommand("RESET")) }
    if let password = options.password?.reveal() {
      commands.append(options.user.map { RedisCommand("AUTH", $0, password) } ?? RedisCommand("AUTH", password))
    }
    if options.database != 0 { commands.append(RedisCommand("SELECT", options.database)) }
    if let name = options.clientName { commands.append(RedisCommand("CLIENT", "SETNAME", name)) }
    // Also where there is nothing else to say, so that a server which is still loading, or wants a password, says so now.
    commands.append(RedisCommand("PING"))
    return commands
  }
}
