/// Puts the values of one reply together while the codec reports them, and keeps to the limits.
///
/// Arrays that are still open lie on a stack here, not in objects of the codec: when a reply breaks off half way, dropping
/// the stack releases all of it.
struct ReplyBuilder {
  private struct OpenArray {
    let count: Int
    var items: [RESPValue] = []
  }

  /// What a value costs beside its bytes.
  private static let elementBytes = 16
  /// An array is not given the room it announces, since that is a claim; it grows as its values arrive.
  private static let reservedElements = 256

  private let limits: RESPLimits
  private var open: [OpenArray] = []
  private var elements = 0
  private var bytes = 0
  private var reply: RESPValue?
  private(set) var violation: RESPViolation?

  init(limits: RESPLimits) { self.limits = limits }

  /// Whether a bulk string of this length may come next.
  func admits(bulkBytes length: Int) -> RESPViolation? {
    if length > limits.bulkBytes {
      return RESPViolation("a bulk string of \(length) bytes is over the limit of \(limits.bulkBytes) (bulkBytes)")
    }
    if length > limits.replyBytes - bytes {
      return RESPViolation("the reply is over the limit of \(limits.replyBytes) bytes (replyBytes)")
    }
    return nil
  }

  /// Takes a value that is not an array. False when a limit is passed; `violation` then says which.
  mutating func add(_ value: @autoclosure () -> RESPValue, bytes length: Int) -> Bool {
    guard count(bytes: length) else { return false }
    if open.isEmpty {
      reply = value()
    } else {
      close(with: value())
    }
    return true
  }

  /// Takes the head of an array. False when a limit is passed.
  mutating func openArray(count announced: Int) -> Bool {
    guard open.count < limits.depth else {
      return refuse("arrays nested deeper than the limit of \(limits.depth) (depth)")
    }
    guard announced <= limits.elements - elements else {
      return refuse("a reply of more than \(limits.elements) values (elements)")
    }
    guard count(bytes: 0) else { return false }
    if announced == 0 {
      close(with: .array([]))
    } else {
      var array = OpenArray(count: announced)
      array.items.reserveCapacity(min(announced, Self.reservedElements))
      open.append(array)
    }
    return true
  }

  /// The reply when it is finished, and a clean sheet for the next one.
  mutating func takeReply() -> RESPValue? {
    guard let finished = reply else { return nil }
    reply = nil
    elements = 0
    bytes = 0
    return finished
  }

  /// Gives back everything that a reply broken off half way has built.
  mutating func abandon() {
    open = []
    reply = nil
  }

  private mutating func count(bytes length: Int) -> Bool {
    if let violation = admits(bulkBytes: length) {
      self.violation = violation
      return false
    }
    elements += 1
    bytes += length + Self.elementBytes
    guard elements <= limits.elements else {
      return refuse("a reply of more than \(limits.elements) values (elements)")
    }
    guard bytes <= limits.replyBytes else {
      return refuse("the reply is over the limit of \(limits.replyBytes) bytes (replyBytes)")
    }
    return true
  }

  /// Puts a value into the innermost open array, and each array that is full into the one around it.
  private mutating func close(with value: RESPValue) {
    var value = value
    while let last = open.indices.last {
      open[last].items.append(value)
      guard open[last].items.count == open[last].count else { return }
      value = .array(open.removeLast().items)
    }
    reply = value
  }

  private mutating func refuse(_ message: String) -> Bool {
    violation = RESPViolation(message)
    return false
  }
}
