import Testing

@testable import MainstayPostgres

@Suite struct StatementCacheTests {
  private func key(_ sql: String, _ types: UInt64 = 0) -> PreparedStatement.Key { .init(sql: sql, types: types) }

  // Outside the macros, which cannot call what mutates.
  private func add(_ key: PreparedStatement.Key, to cache: inout StatementCache) -> PreparedStatement? {
    cache.add(key)
  }
  private func find(_ key: PreparedStatement.Key, in cache: inout StatementCache) -> PreparedStatement? {
    cache.find(key)
  }

  @Test func evictsTheLeastRecentlyUsed() throws {
    var cache = StatementCache(capacity: 3, session: 7)
    for sql in ["a", "b", "c"] { #expect(add(key(sql), to: &cache) != nil) }
    #expect(find(key("a"), in: &cache) != nil)
    #expect(add(key("d"), to: &cache) != nil)
    #expect(cache.leastRecentFirst == ["c", "a", "d"])
    #expect(find(key("b"), in: &cache) == nil)
    let evicted = cache.takeEvicted().map(\.key.sql)
    #expect(evicted == ["b"])
    #expect(cache.evicted.isEmpty)
  }

  @Test func tellsTypesApart() throws {
    var cache = StatementCache(capacity: 3, session: 7)
    let first = try #require(add(key("a", 1), to: &cache))
    let second = try #require(add(key("a", 2), to: &cache))
    #expect(find(key("a", 1), in: &cache) === first)
    #expect(String(cString: first.name) != String(cString: second.name))
  }

  /// Swift takes them for equal; to the server they are two literals.
  @Test func tellsSpellingsApart() throws {
    #expect(key("SELECT '\u{E9}'") != key("SELECT 'e\u{301}'"))
    #expect(key("SELECT '\u{E9}'") == key("SELECT '\u{E9}'"))
    #expect(key("") == key(""))
    #expect(key("SELECT 'K'") != key("SELECT '\u{212A}'"))
  }

  @Test func neverUsesANameTwice() throws {
    var cache = StatementCache(capacity: 2, session: 7)
    var names: Set<String> = []
    for _ in 0..<10 {
      let statement = try #require(add(key("a"), to: &cache))
      names.insert(String(cString: statement.name))
      cache.remove(statement)
    }
    #expect(names.count == 10)
    #expect(cache.count == 0)
    #expect(cache.leastRecentFirst.isEmpty)
  }

  /// Two clients of a pooler may come to the same server connection.
  @Test func neverUsesAnotherConnectionsName() throws {
    var one = StatementCache(capacity: 3, session: 1)
    var other = StatementCache(capacity: 3, session: .max)
    let first = try #require(add(key("a"), to: &one))
    let second = try #require(add(key("b"), to: &other))
    #expect(String(cString: first.name) != String(cString: second.name))
  }

  @Test func keepsNothingWhereStatementsGetLostAgainAndAgain() throws {
    var cache = StatementCache(capacity: 8, session: 7)
    for round in 1...3 {
      #expect(cache.keepsStatements)
      for sql in ["a", "b", "c", "d"] where find(key(sql), in: &cache) == nil {
        #expect(add(key(sql), to: &cache) != nil)
      }
      // One event loses them all, and counts once.
      for sql in ["a", "b", "c"] {
        guard let statement = find(key(sql), in: &cache) else { continue }
        cache.lose(statement)
        cache.lose(statement)
      }
      #expect(cache.keepsStatements == (round < 3))
    }
    #expect(cache.count == 0 && cache.evicted.isEmpty)
    #expect(add(key("f"), to: &cache) == nil && find(key("d"), in: &cache) == nil)
  }

  /// What the server still has it must be told to drop.
  @Test func discardsWithTheServersKnowledge() throws {
    var cache = StatementCache(capacity: 3, session: 7)
    let statement = try #require(add(key("a"), to: &cache))
    cache.discard(statement)
    #expect(cache.count == 0)
    #expect(cache.takeEvicted().map(\.key.sql) == ["a"])
  }

  /// The server has to be told before more is prepared: its memory is bounded too.
  @Test func preparesNothingWhileTooManyWaitToBeDropped() throws {
    var cache = StatementCache(capacity: 2, session: 7)
    for sql in ["a", "b", "c", "d"] { #expect(add(key(sql), to: &cache) != nil) }
    #expect(add(key("e"), to: &cache) == nil)
    _ = cache.takeEvicted()
    #expect(add(key("e"), to: &cache) != nil)
    var none = StatementCache(capacity: 0, session: 7)
    #expect(add(key("a"), to: &none) == nil)
  }

  @Test(arguments: 0..<20) func agreesWithAList(seed: Int) {
    var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
    func random(_ below: UInt64) -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state % below
    }
    var cache = StatementCache(capacity: 5, session: 7)
    var model: [String] = []
    for _ in 0..<500 {
      let sql = String(random(9))
      if let statement = cache.find(key(sql)) {
        #expect(model.contains(sql))
        model.removeAll { $0 == sql }
        if random(5) == 0 { cache.remove(statement) } else { model.append(sql) }
      } else {
        #expect(!model.contains(sql))
        if model.count == 5 { model.removeFirst() }
        #expect(add(key(sql), to: &cache) != nil)
        model.append(sql)
        _ = cache.takeEvicted()
      }
      #expect(cache.leastRecentFirst == model)
      #expect(cache.count == model.count)
    }
  }
}
