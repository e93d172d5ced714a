import HTTPTypes
import MainstayHTTP
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import Synchronization

/// Between the HTTP/1 parser and the tasks that answer: performs what ``ConnectionMachine`` decides, turns NIO's parts
/// into HTTPTypes' and back, frames responses, and keeps the connection's one timer.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private var machine: ConnectionMachine
  private let connection: HTTPConnection
  private let server: ConnectionRegistry
  private let isSecure: Bool

  private var context: ChannelHandlerContext?
  /// What came after the request in progress.
  private var pipelined = CircularBuffer<HTTPServerRequestPart>()
  private var failureToCome: (any Error)?
  private var readIsHeld = false
  private var timer: (task: Scheduled<Void>, at: NIODeadline)?
  private var heldCloses: [EventLoopPromise<Void>] = []
  /// Whether the request in progress came before the server refused new ones.
  private var isAdmitted = false
  /// Whether a refusal has taken the place of the response that the handler may still write.
  private var isOverruled = false
  /// Bytes have come, and the parser has made nothing of them yet.
  private var hasUnparsedBytes = false

  init(connection: HTTPConnection, server: ConnectionRegistry, limits: ConnectionMachine.Limits, isSecure: Bool) {
    self.connection = connection
    self.server = server
    self.isSecure = isSecure
    machine = ConnectionMachine(limits: limits, now: .now())
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    arm()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.task.cancel()
    timer = nil
    self.context = nil
    connection.detach()
  }

  func channelInactive(context: ChannelHandlerContext) {
    isOver()
    timer?.task.cancel()
    connection.cancel()
    context.fireChannelInactive()
  }

  // MARK: Requests

  /// Told by ``ArrivalHandler`` before the parser sees the bytes.
  func bytesArrived(_ count: Int) {
    hasUnparsedBytes = true
    machine.received(framed: count)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    hasUnparsedBytes = false
    let part = unwrapInboundIn(data)
    if pipelined.isEmpty, accepts(part) {
      deliver(part, context)
    } else if machine.exchange != nil {
      pipelined.append(part)
    }
    // Anything else comes from a client whose connection is being closed.
  }

  private func accepts(_ part: HTTPServerRequestPart) -> Bool {
    switch (part, machine.state) {
    case (.head, .waiting): true
    case (.body, .answering(let exchange)), (.end, .answering(let exchange)): !exchange.isReceived
    default: false
    }
  }

  private func deliver(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
    switch part {
    case .head(let head):
      connection.hasSpoken.store(true, ordering: .relaxed)
      guard let request = HTTPRequest(head, isSecure: isSecure) else {
        return refuse(.init(status: .badRequest, detail: "The method or target is malformed."), context)
      }
      if let refusal = machine.received(head, now: .now()) { return refuse(refusal, context) }
      isAdmitted = server.began()
      isOverruled = false
      arm()
      context.fireChannelRead(wrapInboundOut(.head(request)))
    case .body(let buffer):
      machine.received(body: buffer.readableBytes)
      context.fireChannelRead(wrapInboundOut(.body(buffer)))
    case .end(let trailers):
      machine.receivedEnd()
      context.fireChannelRead(wrapInboundOut(.end(trailers.map { HTTPFields($0) })))
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if hasUnparsedBytes {
      hasUnparsedBytes = false
      machine.receivedPartOfHead(now: .now())
      arm()
    }
    switch machine.refusesFraming() {
    case .wait: break
    case .close: return closeNow(context)
    case .giveUp(let refusal): overrule(refusal, context)
    }
    context.fireChannelReadComplete()
  }

  /// While a pipelined request is kept back, nothing more is read: the client waits in its own memory, not in ours.
  func read(context: ChannelHandlerContext) {
    if pipelined.isEmpty { context.read() } else { readIsHeld = true }
  }

  func proceed() {
    guard let context, machine.shouldContinue() else { return }
    let head = HTTPResponseHead(version: .http1_1, status: .continue)
    context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
  }

  func allow(_ time: TimeAmount) {
    machine.allow(time)
    arm()
  }

  // MARK: Responses

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard let exchange = machine.exchange, !isOverruled else {
      promise?.succeed()
      return
    }
    switch unwrapOutboundIn(data) {
    case .head(let response) where response.status.kind == .informational:
      let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: response.status.code))
      context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .head(let response):
      let head = framed(response, exchange)
      context.write(wrapOutboundOut(.head(head)), promise: promise)
      if response.isEndless, machine.beganEndlessResponse() { closeNow(context) }
    case .body(let buffer):
      context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: promise)
    case .end(let trailers):
      context.write(
        wrapOutboundOut(.end(trailers.map { HTTPHeaders($0.map { ($0.name.rawName, $0.value) }) })), promise: promise)
      endResponse(context)
    }
  }

  /// The head as it goes out: with a date, with the framing that the request's version and method call for, and with
  /// `Connection: close` where the connection ends.
  private func framed(_ response: HTTPResponse, _ exchange: ConnectionMachine.Exchange) -> HTTPResponseHead {
    var headers = HTTPHeaders()
    headers.reserveCapacity(response.headerFields.count + 3)
    var isClosing = server.state.phase >= .leaving
    var hasLength = false
    for field in response.headerFields {
      switch field.name {
      case .connection: isClosing = isClosing || field.value.lowercased() == "close"
      case .contentLength:
        hasLength = true
        headers.add(name: field.name.rawName, value: field.value)
      case .transferEncoding: break
      default: headers.add(name: field.name.rawName, value: field.value)
      }
    }
    let mayHaveBody = response.status.code >= 200 && response.status.code != 204 && response.status.code != 304
    if !mayHaveBody, hasLength, response.status.code != 304 { headers.remove(name: "content-length") }
    if mayHaveBody, !hasLength, !exchange.isHead {
      if exchange.version.minor > 0 {
        headers.add(name: "Transfer-Encoding", value: "chunked")
      } else {
        isClosing = true
      }
    }
    headers.add(name: "Date", value: server.date.now)
    if machine.beginsResponse(closing: isClosing) { headers.add(name: "Connection", value: "close") }
    let status = HTTPResponseStatus(statusCode: response.status.code, reasonPhrase: response.status.reasonPhrase)
    return HTTPResponseHead(version: exchange.version, status: status, headers: headers)
  }

  private func endResponse(_ context: ChannelHandlerContext) {
    server.ended(admitted: isAdmitted)
    guard machine.endedResponse(now: .now()) else { return closeOurSide(context) }
    arm()
    resumePipeline(context)
  }

  private func resumePipeline(_ context: ChannelHandlerContext) {
    while let part = pipelined.first, accepts(part) {
      pipelined.removeFirst()
      deliver(part, context)
    }
    if pipelined.isEmpty, let failure = failureToCome, machine.exchange == nil {
      failureToCome = nil
      errorCaught(context: context, error: failure)
    }
    context.fireChannelReadComplete()
    if readIsHeld, pipelined.isEmpty {
      readIsHeld = false
      context.read()
    }
  }

  /// Answers in the handler's place.
  private func overrule(_ refusal: ConnectionMachine.Refusal, _ context: ChannelHandlerContext) {
    if machine.exchange != nil { server.ended(admitted: isAdmitted) }
    isOverruled = true
    refuse(refusal, context)
    connection.cancel()
  }

  private func refuse(_ refusal: ConnectionMachine.Refusal, _ context: ChannelHandlerContext) {
    let isHead = machine.exchange?.isHead ?? false
    let response = server.problem(refusal)
    machine.refused(now: .now())
    context.write(wrapOutboundOut(.head(response.head)), promise: nil)
    if !isHead { context.write(wrapOutboundOut(.body(.byteBuffer(response.body))), promise: nil) }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    closeOurSide(context)
  }

  // MARK: Closing

  private func closeOurSide(_ context: ChannelHandlerContext) {
    pipelined.removeAll()
    arm()
    context.flush()
    context.close(mode: .output, promise: nil)
    // Whatever they still send is read, so that it cannot make the kernel reset the connection.
    if readIsHeld {
      readIsHeld = false
      context.read()
    }
  }

  /// While we linger, only the client or time closes the connection.
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    switch (machine.state, mode) {
    case (.lingering, .all): heldCloses += promise.map { [$0] } ?? []
    case (.lingering, _): promise?.succeed()
    default: context.close(mode: mode, promise: promise)
    }
  }

  private func closeNow(_ context: ChannelHandlerContext) {
    isOver()
    context.close(promise: nil)
  }

  private func isOver() {
    if machine.exchange != nil { server.ended(admitted: isAdmitted) }
    machine.closed()
    for promise in heldCloses { promise.succeed() }
    heldCloses = []
  }

  func closeIfIdle() {
    guard let context else { return }
    if machine.isIdle || machine.state == .lingering { closeNow(context) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event {
      if machine.clientClosed() { return closeNow(context) }
    }
    if case ChannelEvent.outputClosed = event, machine.state == .lingering { return }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard error is HTTPParserError || error is ByteToMessageDecoderError else {
      return closeNow(context)
    }
    switch machine.failed() {
    case .refuse: refuse(.init(error), context)
    case .tellHandler: context.fireErrorCaught(error)
    case .keep: failureToCome = failureToCome ?? error
    case .ignore: break
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    machine.becameWritable(context.channel.isWritable, now: .now())
    arm()
    context.fireChannelWritabilityChanged()
  }

  // MARK: Time

  /// One timer for all deadlines. It is moved only when the deadline comes nearer; when it rings early it is set anew.
  private func arm() {
    guard let context, machine.deadline < timer?.at ?? .distantFuture else { return }
    timer?.task.cancel()
    let deadline = machine.deadline
    let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.ring() }
    timer = (task, deadline)
  }

  private func ring() {
    timer = nil
    guard let context else { return }
    switch machine.timeElapsed(now: .now()) {
    case .wait: arm()
    case .close: closeNow(context)
    case .giveUp(let refusal): overrule(refusal, context)
    }
  }
}

extension ConnectionMachine.Refusal {
  /// What to answer to what is not HTTP.
  init(_ error: any Error) {
    switch error {
    case HTTPParserError.headerOverflow:
      self.init(status: .requestHeaderFieldsTooLarge, detail: "The headers are too large or too many.")
    case HTTPParserError.invalidVersion:
      self.init(status: .httpVersionNotSupported, detail: "This server speaks HTTP/1.1.")
    default:
      self.init(status: .badRequest, detail: "The request is not well-formed HTTP/1.1.")
    }
  }
}

/// In front of the parser: tells the connection's handler that bytes have come, so that a head that trickles in is
/// timed from its first byte.
final class ArrivalHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let handler: ConnectionHandler

  init(_ handler: ConnectionHandler) { self.handler = handler }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    handler.bytesArrived(unwrapInboundIn(data).readableBytes)
    context.fireChannelRead(data)
  }
}
