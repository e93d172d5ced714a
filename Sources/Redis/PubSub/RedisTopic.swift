/// What can be subscribed to.
public enum RedisTopic: Sendable, Hashable, ExpressibleByStringLiteral {
  /// A channel by its name.
  case channel(String)
  /// Every channel whose name matches: `*` any text, `?` one character, `[ab]` one of several.
  case pattern(String)

  /// A channel.
  public init(stringLiteral name: String) { self = .channel(name) }

  var subscribe: RedisArguments {
    switch self {
    case .channel(let name): RedisCommand<RedisOK>("SUBSCRIBE", name).arguments
    case .pattern(let pattern): RedisCommand<RedisOK>("PSUBSCRIBE", pattern).arguments
    }
  }

  var unsubscribe: RedisArguments {
    switch self {
    case .channel(let name): RedisCommand<RedisOK>("UNSUBSCRIBE", name).arguments
    case .pattern(let pattern): RedisCommand<RedisOK>("PUNSUBSCRIBE", pattern).arguments
    }
  }
}

/// What the server sends on a connection with subscriptions.
enum Push {
  case confirmed(RedisTopic)
  case message(RedisMessage, of: RedisTopic)
  case refused(RedisError)
  /// An answer to `PING`, or the end of a subscription.
  case other

  init(_ value: RESPValue) {
    if case .error(let text) = value {
      self = .refused(RedisError(serverText: text, command: "SUBSCRIBE"))
      return
    }
    guard case .array(let items) = value, let kind = items.first?.text else {
      self = .other
      return
    }
    switch (kind, items.count) {
    case ("subscribe", 3): self = items[1].text.map { .confirmed(.channel($0)) } ?? .other
    case ("psubscribe", 3): self = items[1].text.map { .confirmed(.pattern($0)) } ?? .other
    case ("message", 3): self = Push.message(channel: items[1], pattern: nil, payload: items[2])
    case ("pmessage", 4): self = Push.message(channel: items[2], pattern: items[1], payload: items[3])
    default: self = .other
    }
  }

  private static func message(channel: RESPValue, pattern: RESPValue?, payload: RESPValue) -> Push {
    guard let name = channel.text, case .bulk(let bytes) = payload else { return .other }
    let message = RedisMessage(channel: name, pattern: pattern?.text, payload: bytes)
    return .message(message, of: message.pattern.map { .pattern($0) } ?? .channel(name))
  }
}

extension RESPValue {
  fileprivate var text: String? {
    switch self {
    case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
    case .simple(let text): text
    default: nil
    }
  }
}
