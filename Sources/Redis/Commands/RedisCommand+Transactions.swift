extension RedisCommand where Reply == RedisOK {
  /// `WATCH`: the next `EXEC` does nothing if one of the keys has changed until then.
  static func watch(_ keys: [String]) -> Self {
    Self("WATCH") { for key in keys { $0.append(key) } }
  }

  /// `UNWATCH`
  static var unwatch: Self { Self("UNWATCH") { _ in } }
}
