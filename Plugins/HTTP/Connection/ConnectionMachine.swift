import NIOCore
import NIOHTTP1

/// What one HTTP/1 connection does next: a value without sockets or tasks, told what happens and what time it is.
///
/// ```
///            head                      response's end, more may come
///   waiting ──────▶ answering ─────────────────────────────────────▶ waiting
///      │                │
///      │ refused, idle  │ response's end, nothing may come
///      ▼                ▼
///   lingering ───▶ closed      lingering: our side is closed, theirs is read and thrown away, so that what they still
///                              send does not make the kernel reset the connection and destroy the response on its way
/// ```
/// One request is answered at a time; a pipelined one is kept back until then.
struct ConnectionMachine {
  /// How long things may take.
  struct Limits: Sendable {
    /// From the end of a response, or the opening, to the whole head of the next request.
    var idle: TimeAmount
    /// From the first byte of a head to its last.
    var head: TimeAmount
    /// From the head of a request to that of its response.
    var request: TimeAmount
    /// How long the client's side of a closed connection is read.
    var linger: TimeAmount
    /// The longest target in a request line, in bytes.
    var target: Int
  }

  /// A request being answered.
  struct Exchange: Equatable {
    var version: HTTPVersion
    var isHead: Bool
    /// Whether another request may follow.
    var keepsAlive: Bool
    var expectsContinue: Bool
    var began: NIODeadline
    var isReceived = false
    var isAnswered = false
    /// Whether the response ends only when the client goes away.
    var isEndless = false
    /// Bytes of the body's framing beyond sixteen for each byte of its content: a chunk of one byte has five.
    var framing = 0

    /// Beyond this, a body is refused for its framing: 64 KiB.
    static let mostFraming = 64 << 10
  }

  enum State: Equatable {
    /// For the head of a request. Can go to `answering` or `lingering`.
    case waiting
    /// A request is with its handler. Can go to `waiting` or `lingering`.
    case answering(Exchange)
    /// We have said all; the client may not have. Can go to `closed`.
    case lingering
    /// Over.
    case closed
  }

  /// A request that is refused before it reaches a handler.
  struct Refusal: Equatable {
    let status: HTTPResponseStatus
    let detail: String
  }

  private(set) var state = State.waiting
  /// When to call ``timeElapsed(now:)`` if nothing else happens.
  private(set) var deadline: NIODeadline
  private let limits: Limits
  private var hasBytes = false
  private var clientIsDone = false

  init(limits: Limits, now: NIODeadline) {
    self.limits = limits
    deadline = now + limits.idle
  }

  /// The request being answered.
  var exchange: Exchange? { if case .answering(let exchange) = state { exchange } else { nil } }

  // MARK: The request

  /// Bytes have come that did not complete a head.
  mutating func receivedPartOfHead(now: NIODeadline) {
    guard state == .waiting, !hasBytes else { return }
    hasBytes = true
    deadline = min(deadline, now + limits.head)
  }

  /// A whole head has come. Nil: hand it on; otherwise answer with the refusal and say ``refused(now:)``.
  mutating func received(_ head: HTTPRequestHead, now: NIODeadline) -> Refusal? {
    hasBytes = false
    if let refusal = refusal(of: head) { return refusal }
    state = .answering(
      Exchange(
        version: head.version, isHead: head.method == .HEAD,
        keepsAlive: head.version.minor > 0 && head.isKeepAlive && !clientIsDone,
        expectsContinue: head.version.minor > 0 && head.headers.contains(name: "expect"), began: now))
    deadline = now + limits.request
    return nil
  }

  private func refusal(of head: HTTPRequestHead) -> Refusal? {
    if head.version.major != 1 {
      return Refusal(status: .httpVersionNotSupported, detail: "This server speaks HTTP/1.1.")
    }
    if head.uri.utf8.count > limits.target {
      return Refusal(status: .uriTooLong, detail: "The target may have \(limits.target) bytes at most.")
    }
    let hosts = head.headers["host"]
    if hosts.count > 1 || (hosts.isEmpty && head.version.minor > 0) {
      return Refusal(status: .badRequest, detail: "A request has one Host header.")
    }
    if !hosts.allSatisfy(HostHeader.isWellFormed) {
      return Refusal(status: .badRequest, detail: "The Host header must be a host, or a host and a port.")
    }
    if let refusal = refusal(ofCodings: head.headers[canonicalForm: "transfer-encoding"], head.version) {
      return refusal
    }
    let expected = head.headers[canonicalForm: "expect"]
    if head.version.minor > 0, !expected.allSatisfy({ $0.lowercased() == "100-continue" }) {
      return Refusal(status: .expectationFailed, detail: "The one expectation this server meets is 100-continue.")
    }
    return nil
  }

  /// RFC 9112, 6.1: chunked is applied once and last, and HTTP/1.0 has no transfer codings. Where a server and whoever
  /// stands before it read such a message differently, one request hides in another: it is refused, whatever follows.
  private func refusal(ofCodings codings: [Substring], _ version: HTTPVersion) -> Refusal? {
    guard !codings.isEmpty else { return nil }
    guard codings.allSatisfy({ $0.lowercased() == "chunked" }) else {
      return Refusal(status: .notImplemented, detail: "The one transfer coding this server knows is chunked.")
    }
    guard codings.count == 1, version.minor > 0 else {
      return Refusal(status: .badRequest, detail: "A body is chunked once, and only in HTTP/1.1.")
    }
    return nil
  }

  /// Bytes of a request's body have come in from the network, or out of the parser.
  ///
  /// What lies between the two is framing: the lengths of chunks and what stands behind them, which nobody reads and
  /// which no limit of bodies counts.
  mutating func received(framed count: Int = 0, body: Int = 0) {
    change { $0.framing += count - 17 * body }
  }

  /// What to do with a body whose framing is out of proportion. Asked when all that has come is parsed.
  func refusesFraming() -> TimeAction {
    guard let exchange, !exchange.isReceived, exchange.framing > Exchange.mostFraming else { return .wait }
    let refusal = Refusal(status: .payloadTooLarge, detail: "The framing of the body is larger than its content.")
    return exchange.isAnswered ? .close : .giveUp(refusal)
  }

  /// The last part of a request has come.
  mutating func receivedEnd() {
    change { $0.isReceived = true }
  }

  /// The request gets another time than the server's.
  mutating func allow(_ time: TimeAmount) {
    guard let exchange, !exchange.isAnswered else { return }
    deadline = exchange.began + time
  }

  /// Whether to send `100 Continue`.
  mutating func shouldContinue() -> Bool {
    guard let exchange, exchange.expectsContinue, !exchange.isReceived, !exchange.isAnswered else { return false }
    change { $0.expectsContinue = false }
    return true
  }

  // MARK: The response

  /// The response begins. The result says whether it tells the client that the connection ends with it.
  mutating func beginsResponse(closing: Bool) -> Bool {
    guard let exchange else { return true }
    // A body still on its way is not waited for.
    let closes = closing || !exchange.keepsAlive || !exchange.isReceived
    change {
      $0.isAnswered = true
      $0.keepsAlive = !closes
    }
    deadline = .distantFuture
    return closes
  }

  /// The response has been written. True: the connection waits for the next request; false: close our side.
  mutating func endedResponse(now: NIODeadline) -> Bool {
    guard let exchange, exchange.keepsAlive, exchange.isReceived, !clientIsDone else {
      linger(now: now)
      return false
    }
    state = .waiting
    deadline = now + limits.idle
    return true
  }

  /// A response that refuses has been written in place of a handler's.
  mutating func refused(now: NIODeadline) { linger(now: now) }

  private mutating func linger(now: NIODeadline) {
    state = .lingering
    deadline = now + limits.linger
  }

  // MARK: Failures

  enum FailureAction: Equatable {
    /// Answer 400 and close.
    case refuse
    /// Tell the handler, whose request is broken.
    case tellHandler
    /// Keep it until the response is written; it belongs to what comes after.
    case keep
    /// Nobody is interested.
    case ignore
  }

  /// What the client sent is not HTTP.
  func failed() -> FailureAction {
    switch state {
    case .waiting: .refuse
    case .answering(let exchange): exchange.isReceived ? .keep : .tellHandler
    case .lingering, .closed: .ignore
    }
  }

  /// The response will not end by itself. True: the client has closed its side already, so close.
  mutating func beganEndlessResponse() -> Bool {
    change { $0.isEndless = true }
    return clientIsDone
  }

  /// The client has closed its side. True: close. A response that ends is still written: the client may have closed only
  /// its own side. One without an end would be written to nobody.
  mutating func clientClosed() -> Bool {
    clientIsDone = true
    return exchange?.isEndless ?? true
  }

  /// The client does not take what is written to it, or takes it again.
  mutating func becameWritable(_ isWritable: Bool, now: NIODeadline) {
    guard let exchange, exchange.isAnswered else { return }
    deadline = isWritable ? .distantFuture : now + limits.idle
  }

  /// The connection is gone.
  mutating func closed() {
    state = .closed
    deadline = .distantFuture
  }

  enum TimeAction: Equatable {
    /// The deadline has moved.
    case wait
    /// Answer with the refusal, and cancel the handler.
    case giveUp(Refusal)
    /// Close.
    case close
  }

  /// The deadline may have passed.
  mutating func timeElapsed(now: NIODeadline) -> TimeAction {
    guard now >= deadline else { return .wait }
    switch state {
    case .waiting:
      // A client that has begun to speak is told; an idle one is not, since it may be about to send a request.
      return hasBytes ? .giveUp(Refusal(status: .requestTimeout, detail: "The request's head took too long.")) : .close
    case .answering(let exchange) where exchange.isAnswered:
      return .close
    case .answering(let exchange) where exchange.isReceived:
      return .giveUp(Refusal(status: .serviceUnavailable, detail: "The answer took too long."))
    case .answering:
      return .giveUp(Refusal(status: .requestTimeout, detail: "The request's body took too long."))
    case .lingering:
      return .close
    case .closed:
      return .wait
    }
  }

  /// Whether nothing would be lost by closing now.
  var isIdle: Bool { state == .waiting && !hasBytes }

  private mutating func change(_ body: (inout Exchange) -> Void) {
    guard case .answering(var exchange) = state else { return }
    body(&exchange)
    state = .answering(exchange)
  }
}
