import HummingbirdCore
import Logging
import MainstayHTTP
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

#if TLS
  import NIOSSL
#endif

/// A listening server. It exists bound and answering; it ends with ``drain()``.
final class HTTPServer: Sendable {
  /// What a server needs to know. Taken from the configuration.
  struct Settings: Sendable {
    enum Address: Sendable, Equatable {
      case tcp(host: String, port: Int)
      case unix(path: String)
    }

    var address = Address.tcp(host: "127.0.0.1", port: 0)
    var backlog = 1024
    var connections = 10_000
    var headerBytes = 32 << 10
    var headerCount = 100
    var limits = ConnectionMachine.Limits(
      idle: .seconds(60), head: .seconds(10), request: .seconds(30), linger: .seconds(2), target: 8 << 10)
    /// How long the listener and idle connections still answer (with 503) once the server refuses new requests.
    var farewell = Duration.milliseconds(250)
    /// How long to wait for a server of this process that holds the address and is about to go.
    var succession = Duration.seconds(3)
    var logsAccess = true
  }

  let registry: ConnectionRegistry
  let address: String
  let port: Int?
  private let listener: any Channel
  private let settings: Settings
  private let socketFile: UnixSocketFile?
  private let isDeaf = Atomic<Bool>(false)

  /// Binds, and answers from then on. Throws an ``HTTPStartError``.
  static func listen(
    _ settings: Settings, pipeline: RequestPipeline, tls: TLSContext?, group: any EventLoopGroup,
    metrics: HTTPMetrics? = nil, logger: Logger
  ) async throws -> HTTPServer {
    let registry = ConnectionRegistry(state: pipeline.state)
    let exchange = RequestExchange(
      pipeline: pipeline, metrics: metrics, logsAccess: settings.logsAccess, logger: logger)
    let bootstrap = bootstrap(settings, registry: registry, exchange: exchange, tls: tls, group: group, logger: logger)
    switch settings.address {
    case .tcp(let host, let port):
      let name = host.contains(":") ? "[\(host)]" : host
      let listener = try await bound(to: "\(name):\(port)", .port(port), settings) {
        try await bootstrap.bind(host: host, port: port).get()
      }
      let port = listener.localAddress?.port ?? port
      note(listener, at: .port(port))
      let address = "\(tls == nil ? "http" : "https")://\(name):\(port)"
      return HTTPServer(listener, registry, settings, address: address, port: port, socketFile: nil)
    case .unix(let path):
      var file: UnixSocketFile?
      let listener = try await bound(to: path, .path(path), settings) {
        file = try UnixSocketFile(taking: path)
        return try await bootstrap.bind(unixDomainSocketPath: path).get()
      }
      note(listener, at: .path(path))
      return HTTPServer(listener, registry, settings, address: "unix:\(path)", port: nil, socketFile: file)
    }
  }

  private init(
    _ listener: any Channel, _ registry: ConnectionRegistry, _ settings: Settings, address: String, port: Int?,
    socketFile: UnixSocketFile?
  ) {
    self.listener = listener
    self.registry = registry
    self.settings = settings
    self.address = address
    self.port = port
    self.socketFile = socketFile
  }

  /// Binds; waits for a predecessor in this process, if there is one in the way.
  private static func bound(
    to address: String, _ place: OwnListeners.Place, _ settings: Settings, _ bind: () async throws -> any Channel
  ) async throws -> any Channel {
    let deadline = ContinuousClock.now.advanced(by: settings.succession)
    while true {
      // Asked first: one that goes between the attempt and the question would look like a stranger's.
      let isOurs = OwnListeners.shared.has(place)
      if case .path = place, isOurs, ContinuousClock.now < deadline {
        // When it closes its socket, NIO removes the file, also if it is another's by then.
        try await Task.sleep(for: .milliseconds(10))
        continue
      }
      do {
        return try await bind()
      } catch {
        let refusal = error as? HTTPStartError ?? HTTPStartError(binding: address, error)
        guard refusal.isInUse, isOurs, ContinuousClock.now < deadline else { throw refusal }
        try await Task.sleep(for: .milliseconds(10))
      }
    }
  }

  private static func note(_ listener: any Channel, at place: OwnListeners.Place) {
    OwnListeners.shared.began(place)
    listener.closeFuture.whenComplete { _ in OwnListeners.shared.ended(place) }
  }

  private static func bootstrap(
    _ settings: Settings, registry: ConnectionRegistry, exchange: RequestExchange, tls: TLSContext?,
    group: any EventLoopGroup, logger: Logger
  ) -> ServerBootstrap {
    let limit = settings.connections
    return ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: CInt(settings.backlog))
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptLimiter(limit: limit))
        }
      }
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try serve(channel, settings: settings, registry: registry, exchange: exchange, tls: tls, logger: logger)
        }
      }
  }

  /// Sets a new connection up and starts the task that answers its requests. That task is nobody's child: it goes on
  /// while the plugin is being stopped.
  private static func serve(
    _ channel: any Channel, settings: Settings, registry: ConnectionRegistry, exchange: RequestExchange,
    tls: TLSContext?, logger: Logger
  ) throws {
    let connection = HTTPConnection(channel: channel)
    var decoder = NIOHTTPDecoderLimitConfiguration()
    decoder.maxHeaderFieldSize = settings.headerBytes
    decoder.maxHeaderListSize = settings.headerBytes
    decoder.maxHeaderFieldCount = settings.headerCount
    let parts = ConnectionChannel(
      responder: { request, writer, _ in
        try await exchange.answer(request, on: connection, writer: writer)
      }, registry: registry, limits: settings.limits, decoder: decoder, isSecure: tls != nil)
    try tls?.secure(channel)
    let value = try parts.setup(connection)
    registry.add(connection)
    channel.closeFuture.whenComplete { _ in registry.remove(connection) }
    connection.run { await parts.handle(value: value, logger: logger) }
  }
}

extension HTTPServer {
  /// What became of the requests in flight when a drain began.
  struct DrainReport: Sendable {
    var finished = 0
    var abandoned = 0
  }

  /// Stops in the order that cuts nobody off: refuse new requests (each gets its 503 and the end of its connection),
  /// let those in flight finish, let the listener go deaf and then close it, close what is idle. When the task is
  /// cancelled, whatever is left is cut off.
  func drain() async -> DrainReport {
    let before = registry.inFlight
    registry.state.advance(to: .refusing)
    do {
      try await Task.sleep(for: settings.farewell)
      try await registry.wait { $0.admittedInFlight == 0 }
      try await closeListener()
      try await awaitLateRequests()
      registry.closeIdle()
      try await registry.wait { $0.inFlight == 0 }
      return DrainReport(finished: before, abandoned: await closeRest())
    } catch {
      let abandoned = await closeRest()
      return DrainReport(finished: max(0, before - abandoned), abandoned: abandoned)
    }
  }

  private func closeListener() async throws {
    if case .tcp = settings.address, await SynFilter.install(on: listener) { try await emptyBacklog() }
    await deafen()
  }

  /// The file goes before the socket, and once: a successor may take the path as soon as the socket is closed.
  private func deafen() async {
    let isFirst = isDeaf.exchange(true, ordering: .acquiringAndReleasing) == false
    if isFirst { socketFile?.remove() }
    try? await listener.close()
  }

  /// Waits until handshakes that had begun are complete, which takes a round trip, and all connections are accepted.
  private func emptyBacklog() async throws {
    for _ in 0..<100 {
      try await Task.sleep(for: .milliseconds(20))
      if await SynFilter.backlog(of: listener) ?? 0 == 0 { return }
    }
  }

  /// Who has just connected has a request on the way, and who is idle may have sent one just now; both get an answer.
  private func awaitLateRequests() async throws {
    guard registry.count > 0 else { return }
    try await Task.sleep(for: settings.farewell)
    for _ in 0..<30 where registry.expectsRequests { try await Task.sleep(for: settings.farewell / 10) }
  }

  /// Closes everything, whatever it does. The result says how many requests were cut off.
  private func closeRest() async -> Int {
    let abandoned = registry.inFlight
    registry.abortAll()
    await deafen()
    return abandoned
  }

  /// Closes everything at once, for a start that fails after the server was bound.
  func abort() async {
    registry.state.advance(to: .refusing)
    _ = await closeRest()
  }
}
