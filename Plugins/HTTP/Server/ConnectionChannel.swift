import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// The parts of a connection's pipeline, and Hummingbird's loop over its requests.
struct ConnectionChannel: HTTPChannelHandler {
  typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

  let responder: Responder
  let registry: ConnectionRegistry
  let limits: ConnectionMachine.Limits
  let decoder: NIOHTTPDecoderLimitConfiguration
  let isSecure: Bool

  /// Makes the pipeline of a connection whose TLS handler, if it has one, is in place.
  func setup(_ connection: HTTPConnection) throws -> Value {
    let handler = ConnectionHandler(connection: connection, server: registry, limits: limits, isSecure: isSecure)
    var encoding = HTTPResponseEncoder.Configuration()
    // The handler frames responses itself: the encoder does not know that a response answers HEAD.
    encoding.automaticallySetFramingHeaders = false
    let requests = HTTPRequestDecoder(limitConfiguration: decoder)
    let pipeline = connection.channel.pipeline.syncOperations
    try pipeline.addHandler(HTTPResponseEncoder(configuration: encoding))
    try pipeline.addHandler(ArrivalHandler(handler))
    try pipeline.addHandler(ByteToMessageHandler(requests))
    try pipeline.addHandler(handler)
    connection.attach(handler)
    return try NIOAsyncChannel(
      wrappingChannelSynchronously: connection.channel, configuration: .init(isOutboundHalfClosureEnabled: true))
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture { try setup(HTTPConnection(channel: channel)) }
  }

  func handle(value: Value, logger: Logger) async {
    await handleHTTP(asyncChannel: value, logger: logger)
  }
}
