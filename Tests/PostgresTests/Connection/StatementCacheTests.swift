import Testing

@testable import MainstayPostgres

@Suite struct StatementCacheTests {
  private func key(_ sql: String, _ types: UInt64 = 0) -> PreparedStatement.Key { .init(sql: sql, types: types) }

  @Test func evictsTheLeastRecentlyUsed() throws {
    var cache = StatementCache(capacity: 3)
    for sql in ["a", "b", "c"] { _ = try #require(cache.add(key(sql))) }
    #expect(cache.find(key("a")) != nil)
    _ = try #require(cache.add(key("d")))
    #expect(cache.leastRecentFirst == ["c", "a", "d"])
    #expect(cache.find(key("b")) == nil)
    #expect(cache.takeEvicted().map(\.key.sql) == ["b"])
    #expect(cache.evicted.isEmpty)
  }

  @Test func tellsTypesApart() throws {
    var cache = StatementCache(capacity: 3)
    let first = try #require(cache.add(key("a", 1)))
    let second = try #require(cache.add(key("a", 2)))
    #expect(cache.find(key("a", 1)) === first)
    #expect(String(cString: first.name) != String(cString: second.name))
  }

  @Test func neverUsesANameTwice() throws {
    var cache = StatementCache(capacity: 2)
    var names: Set<String> = []
    for _ in 0..<10 {
      let statement = try #require(cache.add(key("a")))
      names.insert(String(cString: statement.name))
      cache.remove(statement)
    }
    #expect(names.count == 10)
    #expect(cache.count == 0)
    #expect(cache.leastRecentFirst.isEmpty)
  }

  /// The server has to be told before more is prepared: its memory is bounded too.
  @Test func preparesNothingWhileTooManyWaitToBeDropped() throws {
    var cache = StatementCache(capacity: 2)
    for sql in ["a", "b", "c", "d"] { _ = try #require(cache.add(key(sql))) }
    #expect(cache.add(key("e")) == nil)
    _ = cache.takeEvicted()
    #expect(cache.add(key("e")) != nil)
    var none = StatementCache(capacity: 0)
    #expect(none.add(key("a")) == nil)
  }

  @Test(arguments: 0..<20) func agreesWithAList(seed: Int) {
    var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
    func random(_ below: UInt64) -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state % below
    }
    var cache = StatementCache(capacity: 5)
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
        #expect(cache.add(key(sql)) != nil)
        model.append(sql)
        _ = cache.takeEvicted()
      }
      #expect(cache.leastRecentFirst == model)
      #expect(cache.count == model.count)
    }
  }
}
