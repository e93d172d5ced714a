/// Reads a stream of server-sent events (HTML standard, section 9.2) from bytes as they come. A pure value.
struct EventStreamParser: Sendable {
  /// What the stream says.
  enum Item: Sendable, Equatable {
    /// An event of a type, with its data.
    case event(type: String, data: String)
    /// How long to wait before connecting again.
    case retry(Duration)
  }

  /// A line or an event longer than this is dropped: nothing grows without end.
  static let maximumLength = 4 << 20

  /// The id to send as `Last-Event-ID` when connecting again; nil before there was one.
  private(set) var lastID: String?
  /// How many lines or events were dropped because they were too long.
  private(set) var oversized = 0

  private var line: [UInt8] = []
  private var isTooLong = false
  private var endedWithReturn = false
  private var type = ""
  private var data: [String] = []
  private var length = 0
  private var id: String?

  init(lastID: String? = nil) { self.lastID = lastID }

  /// Takes the next bytes and returns what they complete.
  mutating func read(_ bytes: some Sequence<UInt8>) -> [Item] {
    var items: [Item] = []
    for byte in bytes {
      // CR, LF and CRLF end a line.
      let isSecondHalf = endedWithReturn && byte == 0x0A
      endedWithReturn = byte == 0x0D
      if isSecondHalf { continue }
      guard byte == 0x0A || byte == 0x0D else {
        append(byte)
        continue
      }
      if let item = endLine() { items.append(item) }
    }
    return items
  }

  /// Forgets what was begun: the connection it came over is gone.
  mutating func reset() { self = EventStreamParser(lastID: lastID) }

  private mutating func append(_ byte: UInt8) {
    if line.count < Self.maximumLength { line.append(byte) } else { isTooLong = true }
  }

  private mutating func endLine() -> Item? {
    defer {
      line.removeAll(keepingCapacity: line.count < 65_536)
      isTooLong = false
    }
    guard !isTooLong else {
      oversized += 1
      return nil
    }
    if line.isEmpty { return dispatch() }
    let text = String(decoding: line, as: UTF8.self)
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let value = parts.count > 1 ? (parts[1].first == " " ? parts[1].dropFirst() : parts[1]) : ""
    return take(field: parts[0], String(value))
  }

  private mutating func take(field: Substring, _ value: String) -> Item? {
    switch field {
    case "event": type = value
    case "data":
      length += value.utf8.count
      if length <= Self.maximumLength { data.append(value) }
    case "id" where !value.utf8.contains(0): id = value
    case "retry": return Int(value).flatMap { $0 >= 0 ? .retry(.milliseconds($0)) : nil }
    default: break
    }
    return nil
  }

  private mutating func dispatch() -> Item? {
    defer { (type, data, length, id) = ("", [], 0, nil) }
    if let id { lastID = id }
    guard length <= Self.maximumLength else {
      oversized += 1
      return nil
    }
    guard !data.isEmpty else { return nil }
    return .event(type: type.isEmpty ? "message" : type, data: data.joined(separator: "\n"))
  }
}
