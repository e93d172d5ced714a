import AsyncHTTPClient
import Glibc
import MainstayKernel
import NIOCore
import NIOHTTP1
import NIOPosix

/// Follows a host's stream of events, and connects again when the connection is lost.
struct EventTail: Sendable {
  /// Why there is nothing to follow.
  struct Refusal: Error, CustomStringConvertible {
    let description: String
    /// Whether the command line is wrong, rather than the host.
    var isUsage = false
  }

  /// Longest wait before the next attempt.
  static let longestWait = Duration.seconds(30)
  /// A stream that is silent for longer is dead: the host sends something every few seconds, at most every five minutes.
  static let longestSilence = TimeAmount.minutes(6)

  let address: String
  let key: String?
  private var wait = Duration.seconds(1)
  private var attempts = 0
  private var hasConnected = false
  private var parser = EventStreamParser()
  private var received = 0

  init(url: String, patterns: [String], key: String?) {
    let base = url.hasSuffix("/") ? String(url.dropLast()) : url
    // A pattern holds nothing that needs encoding in a query: the star may stand as it is.
    let query = patterns.map { "topic=\($0)" }.joined(separator: "&")
    address = base + "/events" + (query.isEmpty ? "" : "?" + query)
    self.key = key
  }

  /// Hands each event on, with its type and its data, until there were `limit` of them. Without a limit it never returns.
  /// Throws a ``Refusal`` if the host cannot be reached at first, or says no.
  mutating func follow(
    limit: Int?, _ event: (String, String) -> Void, notice: (String) -> Void
  ) async throws {
    var configuration = HTTPClient.Configuration.singletonConfiguration
    configuration.timeout = .init(connect: .seconds(10), read: Self.longestSilence)
    // Waiting and trying again is done here, where it is told.
    configuration.connectionPool.retryConnectionEstablishment = false
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    do {
      while try await !attempt(client, limit: limit, event, notice) { try await Task.sleep(for: pause()) }
    } catch {
      try? await client.shutdown()
      throw error
    }
    try await client.shutdown()
  }

  /// Connects and follows until the connection ends. Returns whether there is nothing more to do.
  private mutating func attempt(
    _ client: HTTPClient, limit: Int?, _ event: (String, String) -> Void, _ notice: (String) -> Void
  ) async throws -> Bool {
    do {
      try await connect(client, limit: limit, event)
      if let limit, received >= limit { return true }
      notice("the stream has ended; connecting again")
    } catch let refusal as Refusal {
      throw refusal
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      guard hasConnected else { throw Refusal(description: "cannot reach \(address): \(Self.words(error))") }
      notice("no connection (\(Self.words(error))); connecting again")
    }
    parser.reset()
    return false
  }

  /// Twice as long each time, up to a limit; up to a quarter less, so that many clients do not come at once.
  private mutating func pause() -> Duration {
    attempts = min(attempts + 1, 10)
    let longest = min(wait * (1 << (attempts - 1)), Self.longestWait)
    return longest * Double.random(in: 0.75...1)
  }

  private mutating func connect(_ client: HTTPClient, limit: Int?, _ event: (String, String) -> Void) async throws {
    let response = try await client.execute(request, deadline: .distantFuture)
    guard response.status == .ok else { return try await refuse(response) }
    try checkType(response.headers.first(name: "content-type") ?? "")
    hasConnected = true
    for try await buffer in response.body {
      attempts = 0
      for item in parser.read(buffer.readableBytesView) {
        switch item {
        case .retry(let time): wait = min(max(time, .milliseconds(100)), Self.longestWait)
        case .event(let type, let data):
          event(type, data)
          received += 1
          if let limit, received >= limit { return }
        }
      }
    }
  }

  private var request: HTTPClientRequest {
    var request = HTTPClientRequest(url: address)
    request.headers.add(name: "Accept", value: "text/event-stream")
    if let key { request.headers.add(name: "Authorization", value: "Bearer \(key)") }
    if let id = parser.lastID { request.headers.add(name: "Last-Event-ID", value: id) }
    return request
  }

  /// Anything may answer at an address: a page in the place of events would look like a host in which nothing happens.
  private func checkType(_ type: String) throws(Refusal) {
    let essence = type.prefix { $0 != ";" && $0 != " " }.lowercased()
    guard essence != "text/event-stream" else { return }
    let found = essence.isEmpty ? "something without a type" : essence.prefix(60)
    throw Refusal(
      description: "\(address) answers with \(found), not with events (text/event-stream); is it a host of this kind?")
  }

  /// A host that is busy or stops may answer later, if it has answered before; anything else is final.
  private func refuse(_ response: HTTPClientResponse) async throws {
    let code = response.status.code
    if hasConnected, code == 429 || code == 503 { return }
    let body = try? await response.body.collect(upTo: 65_536)
    let problem = body.flatMap { try? JSONValue(parsing: Array($0.readableBytesView)) }
    throw refusal(code, problem?["detail"]?.stringValue.map { ": \($0)" } ?? "")
  }

  private func refusal(_ code: UInt, _ detail: String) -> Refusal {
    switch code {
    case 400: Refusal(description: "the host refuses the topics\(detail)", isUsage: true)
    case 401: Refusal(description: keyHelp(detail))
    case 403: Refusal(description: "the key has not the role viewer\(detail)")
    case 404: Refusal(description: "the host does not serve \(address)\(detail)\nis plugins.http.events.enabled true?")
    default: Refusal(description: "the host answers \(code)\(detail)")
    }
  }

  private func keyHelp(_ detail: String) -> String {
    """
    \(key == nil ? "the host asks for an API key" : "the host does not accept this API key")\(detail)
    make one with: openssl rand -hex 24
    add it to the host's manifest:
      plugins:
        http:
          auth: { api_keys: [{ name: me, key: "${MAINSTAY_API_KEY}", roles: [viewer] }] }
    and set MAINSTAY_API_KEY here too, or give it with --key
    """
  }

  private static func words(_ error: any Error) -> String {
    switch error {
    case let error as HTTPClientError: error.description
    case let error as NIOConnectionError:
      error.connectionErrors.first.map { words($0.error) } ?? "\(error.host) has no address"
    case let error as IOError: String(cString: strerror(error.errnoCode))
    default: "\(error)"
    }
  }
}
