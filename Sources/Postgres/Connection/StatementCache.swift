import Glibc

/// A statement that the server keeps for one connection.
final class PreparedStatement: @unchecked Sendable {
  // because everything that changes is guarded by the lock of the connection that it belongs to.
  struct Key: Hashable {
    let sql: String
    let types: UInt64

    static func == (one: Key, other: Key) -> Bool { one.types == other.types && one.sql.hasSameBytes(as: other.sql) }
  }

  let key: Key
  /// The name with which libpq calls it; ends in a zero byte.
  let name: UnsafeMutablePointer<CChar>
  fileprivate let number: UInt64
  /// What kind of statement it is, for meters.
  let operation: PostgresOperation
  /// Names and types of the answer's columns, once it is known, so that no result needs to read them again.
  @exclusivity(unchecked) var columns: PostgresColumns?
  @exclusivity(unchecked) var columnFormat: Int32 = 0
  @exclusivity(unchecked) fileprivate(set) var isCached = true
  @exclusivity(unchecked) fileprivate var newer: PreparedStatement?
  @exclusivity(unchecked) fileprivate unowned(unsafe) var older: PreparedStatement?

  init?(_ key: Key, prefix: String, number: UInt64) {
    guard let name = strdup("\(prefix)\(number)") else { return nil }
    self.key = key
    self.number = number
    self.name = name
    operation = PostgresOperation(sql: key.sql)
  }

  deinit { free(name) }
}

extension String {
  /// Whether it is the same text to the server. (To Swift, two spellings of an "é" are equal.)
  func hasSameBytes(as other: String) -> Bool {
    guard utf8.count == other.utf8.count else { return false }
    let isSame = utf8.withContiguousStorageIfAvailable { bytes in
      other.utf8.withContiguousStorageIfAvailable { others in
        guard let left = bytes.baseAddress, let right = others.baseAddress else { return true }
        return memcmp(left, right, bytes.count) == 0
      }
    }
    return (isSame ?? nil) ?? utf8.elementsEqual(other.utf8)
  }
}

/// Which statements the server keeps, the least recently used of which has to go when there are too many.
///
/// Names are numbered and never used twice, so that an answer can never be for another statement of the same name. Each
/// connection has a prefix of its own: behind a pooler that hands out another server connection for each transaction, a name
/// that two clients use for different statements would run the one for the other.
///
/// Such a pooler loses statements again and again. After some losses nothing has a name any more.
struct StatementCache {
  private static let mostLosses = 3

  private var capacity: Int
  private let prefix: String
  private var statements: [PreparedStatement.Key: PreparedStatement] = [:]
  private var oldest: PreparedStatement?
  private unowned(unsafe) var newest: PreparedStatement?
  private var number: UInt64 = 0
  private var losses = 0
  /// The number of the last statement that was there when one was lost.
  private var lastBeforeLoss: UInt64 = 0
  /// Evicted, and the server has still to be told. While there are `capacity` of them, nothing new is prepared.
  private(set) var evicted: [PreparedStatement] = []

  /// - Parameter session: a random number that tells this connection's names from those of all others.
  init(capacity: Int, session: UInt32) {
    self.capacity = capacity
    prefix = "mainstay_\(String(session, radix: 36))_"
  }

  /// Whether statements are kept at all.
  var keepsStatements: Bool { capacity > 0 }

  var count: Int { statements.count }

  /// The statement for that text and these types, now the most recently used.
  mutating func find(_ key: PreparedStatement.Key) -> PreparedStatement? {
    // Most often it is the one that was asked for last, and then nothing needs to be hashed.
    if let newest, newest.key == key { return newest }
    guard let statement = statements[key] else { return nil }
    unlink(statement)
    link(statement)
    return statement
  }

  /// A statement that the caller prepares; nil if there is no room for one.
  mutating func add(_ key: PreparedStatement.Key) -> PreparedStatement? {
    guard capacity > 0, evicted.count < capacity else { return nil }
    number &+= 1
    guard let statement = PreparedStatement(key, prefix: prefix, number: number) else { return nil }
    if statements.count >= capacity, let oldest {
      remove(oldest)
      evicted.append(oldest)
    }
    statements[key] = statement
    link(statement)
    return statement
  }

  /// Forgets a statement that the server had and has no more. All that were there at that time may be lost by the same
  /// event (`DISCARD ALL`); if those made after it are lost too, none are kept from then on.
  mutating func lose(_ statement: PreparedStatement) {
    remove(statement)
    guard statement.number > lastBeforeLoss else { return }
    lastBeforeLoss = number
    losses += 1
    if losses >= Self.mostLosses { keepNothing() }
  }

  /// From now on no statement is kept.
  mutating func keepNothing() {
    guard capacity > 0 else { return }
    while let oldest { remove(oldest) }
    evicted = []
    capacity = 0
  }

  /// Forgets a statement that is of no use any more; the server has still to be told.
  mutating func discard(_ statement: PreparedStatement) {
    guard statement.isCached else { return }
    remove(statement)
    evicted.append(statement)
  }

  /// Forgets a statement that the server does not have.
  mutating func remove(_ statement: PreparedStatement) {
    guard statement.isCached else { return }
    statement.isCached = false
    statements[statement.key] = nil
    unlink(statement)
  }

  mutating func takeEvicted() -> [PreparedStatement] {
    defer { evicted = [] }
    return evicted
  }

  private mutating func link(_ statement: PreparedStatement) {
    statement.older = newest
    statement.newer = nil
    if let newest { newest.newer = statement } else { oldest = statement }
    newest = statement
  }

  private mutating func unlink(_ statement: PreparedStatement) {
    let newer = statement.newer
    if let older = statement.older { older.newer = newer } else { oldest = newer }
    if let newer { newer.older = statement.older } else { newest = statement.older }
    statement.newer = nil
    statement.older = nil
  }

  /// In the order in which they would be evicted.
  var leastRecentFirst: [String] {
    var order: [String] = []
    var next = oldest
    while let statement = next {
      order.append(statement.key.sql)
      next = statement.newer
    }
    return order
  }
}
