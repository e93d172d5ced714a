import NIOCore

/// On the listening socket: stops accepting while as many connections are open as may be. Those to come wait in the
/// kernel's backlog until one closes. A few may be accepted at once, so the limit can be passed by that many.
final class AcceptLimiter: ChannelDuplexHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel
  typealias OutboundIn = Never

  private let limit: Int
  private var open = 0
  private var isHeld = false

  init(limit: Int) { self.limit = limit }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    open += 1
    let bound = NIOLoopBound((limiter: self, context: context), eventLoop: context.eventLoop)
    unwrapInboundIn(data).closeFuture.hop(to: context.eventLoop).whenComplete { _ in
      bound.value.limiter.closed(bound.value.context)
    }
    context.fireChannelRead(data)
  }

  func read(context: ChannelHandlerContext) {
    if open < limit { context.read() } else { isHeld = true }
  }

  private func closed(_ context: ChannelHandlerContext) {
    open -= 1
    guard isHeld, open < limit else { return }
    isHeld = false
    context.read()
  }
}
