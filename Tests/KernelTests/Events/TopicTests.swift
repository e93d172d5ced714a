import MainstayTesting
import Testing

@testable import MainstayKernel

@Suite struct TopicTests {
  @Test(arguments: ["a", "pool.exhausted", "a-b.c_d.9", String(repeating: "a", count: 200)])
  func accepts(_ text: String) throws {
    #expect(try Topic(text).rawValue == text)
  }

  @Test(arguments: [
    ("", "empty"), ("Pool", "upper-case"), ("a..b", "segment is empty"), (".a", "segment is empty"),
    ("a.", "segment is empty"), ("a b", "space"), ("a.é", "non-ASCII"), ("a.*", "patterns"), ("a/b", "'/'"),
    (String(repeating: "a", count: 201), "longer than 200"),
  ])
  func refuses(_ text: String, because reason: String) {
    let error = #expect(throws: TopicError.self) { try Topic(text) }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func aMisspeltLiteralDoesNotStopTheProgram() {
    let topic: Topic = "Pool Exhausted"
    #expect(topic.rawValue == "invalid-topic.pool-exhausted")
    #expect((try? Topic(topic.rawValue)) == topic)
  }

  @Test(arguments: ["a*", "*a.b", "***", "", "a..*", "**.**.**.**.**"])
  func refusesPattern(_ text: String) {
    #expect(throws: TopicError.self) { try TopicPattern(text) }
  }

  @Test(arguments: [
    ("pool.exhausted", "pool.exhausted", true), ("pool.exhausted", "pool", false), ("pool.*", "pool.exhausted", true),
    ("pool.*", "pool", false), ("pool.*", "pool.a.b", false), ("pool.**", "pool", true), ("pool.**", "pool.a.b", true),
    ("**", "anything.at.all", true), ("*.failed", "job.failed", true), ("**.failed", "failed", true),
    ("**.failed", "a.b.failed", true), ("**.failed", "a.b.failed.c", false), ("a.**.z", "a.z", true),
    ("a.**.z", "a.b.c.z", true), ("*", "a", true), ("*", "a.b", false), ("poolx", "pool", false),
  ])
  func matches(_ pattern: String, _ topic: String, _ expected: Bool) throws {
    #expect(try TopicPattern(pattern).matches(Topic(topic)) == expected)
  }

  /// Against a matcher that says the rules as plainly as possible.
  @Test func agreesWithANaiveMatcher() throws {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<20_000 {
      let topic = random.words(from: ["a", "b", "c"], 1...5)
      let pattern = random.words(from: ["a", "b", "*", "**"], 1...4)
      let expected = naive(pattern[...], topic[...])
      let actual = try TopicPattern(pattern.joined(separator: ".")).matches(Topic(topic.joined(separator: ".")))
      #expect(actual == expected, "\(pattern) \(topic)")
    }
  }

  private func naive(_ pattern: ArraySlice<String>, _ topic: ArraySlice<String>) -> Bool {
    guard let first = pattern.first else { return topic.isEmpty }
    if first == "**" {
      return naive(pattern.dropFirst(), topic) || (!topic.isEmpty && naive(pattern, topic.dropFirst()))
    }
    guard let name = topic.first, first == "*" || first == name else { return false }
    return naive(pattern.dropFirst(), topic.dropFirst())
  }
}

extension SeededGenerator {
  /// Words of an alphabet, as many as the range allows.
  mutating func words(from alphabet: [String], _ count: ClosedRange<Int>) -> [String] {
    (0..<Int.random(in: count, using: &self)).map { _ in alphabet[Int.random(in: alphabet.indices, using: &self)] }
  }
}
