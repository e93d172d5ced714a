import MainstayReactor
import Testing

@testable import MainstayRedis

@Suite("Subscriptions", .serialized, .timeLimit(.minutes(2)))
struct SubscriptionTests {
  @Test func messagesOfChannelsAndPatterns() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      let subscription = try await redis.subscribe(to: "news", .pattern("stock.*"))
      #expect(try await redis.send(.publish("hello", to: "news")) == 1)
      #expect(try await redis.send(.publish("up", to: "stock.x")) == 1)
      let events = subscription.makeAsyncIterator()
      #expect(
        await events.next() == .message(RedisMessage(channel: "news", pattern: nil, payload: Array("hello".utf8))))
      #expect(
        await events.next() == .message(RedisMessage(channel: "stock.x", pattern: "stock.*", payload: Array("up".utf8)))
      )
      subscription.cancel()
      #expect(await events.next() == nil)
      #expect(await eventually { (try? await redis.send(.publish("x", to: "news"))) == 0 })
    }
  }

  @Test func aSubscriptionSurvivesARestartAndTellsOfTheGap() async throws {
    try await withRedis { (redis: RedisClient, server: RedisServer) async throws in
      let subscription = try await redis.subscribe(to: "news")
      let events = subscription.makeAsyncIterator()
      server.stop()
      try server.start()
      #expect(await events.next() == .gap(.reconnected))
      #expect(await eventually { (try? await redis.send(.publish("again", to: "news"))) == 1 })
      #expect(
        await events.next() == .message(RedisMessage(channel: "news", pattern: nil, payload: Array("again".utf8))))
    }
  }

  @Test func lettingGoUnsubscribes() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      do {
        let subscription = try await redis.subscribe(to: "news")
        #expect(try await redis.send(.publish("x", to: "news")) == 1)
        _ = subscription
      }
      #expect(await eventually { (try? await redis.send(.publish("x", to: "news"))) == 0 })
    }
  }

  private func message(_ text: String) -> RedisMessage {
    RedisMessage(channel: "c", pattern: nil, payload: Array(text.utf8))
  }

  /// Somebody who looks for a message now and then, and is not kept for each time there was none.
  @Test func whoStopsWaitingIsForgotten() async {
    let buffer = SubscriptionBuffer(capacity: 2, overflow: .dropOldest)
    for _ in 0..<50 {
      let look = Task { await buffer.next() }
      #expect(await eventually { buffer.waiting == 1 })
      look.cancel()
      #expect(await look.value == nil)
      #expect(buffer.waiting == 0)
    }
    buffer.receive(message("1"))
    #expect(await buffer.next() == .message(message("1")))
    var table = SubscriptionTable()
    var last: OneShot<Void>?
    for _ in 0..<50 {
      last?.resolve(.failure(CancellationError()))
      last = table.add(buffer, to: "c")
    }
    #expect(table.confirm("c").waiters.count == 1)
  }

  @Test func aFullBufferDropsTheOldestAndSaysSo() async {
    let buffer = SubscriptionBuffer(capacity: 2, overflow: .dropOldest)
    for text in ["1", "2", "3", "4"] { buffer.receive(message(text)) }
    #expect(await buffer.next() == .gap(.overflow(dropped: 2)))
    #expect(await buffer.next() == .message(message("3")))
    #expect(await buffer.next() == .message(message("4")))
  }

  @Test func aFullBufferDropsTheNewestAndSaysSo() async {
    let buffer = SubscriptionBuffer(capacity: 2, overflow: .dropNewest)
    for text in ["1", "2", "3", "4"] { buffer.receive(message(text)) }
    buffer.end()
    #expect(await buffer.next() == .message(message("1")))
    #expect(await buffer.next() == .message(message("2")))
    #expect(await buffer.next() == .gap(.overflow(dropped: 2)))
    #expect(await buffer.next() == nil)
  }
}
