import MainstayTesting
import Testing

@testable import MainstayKernel

@Suite struct JSONTests {
  @Test func writesCompactAndPretty() {
    let value: JSONValue = ["a": 1, "b": [true, nil, 2.5], "c": ["d": "x\"y\\z"], "e": [:], "f": []]
    #expect(value.compact == #"{"a":1,"b":[true,null,2.5],"c":{"d":"x\"y\\z"},"e":{},"f":[]}"#)
    let small: JSONValue = ["a": [1, 2], "b": [:]]
    #expect(small.pretty == "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}")
  }

  @Test func escapesWhatCouldEndALineOrSteerATerminal() {
    let text: JSONValue = "\n\r\t\u{1B}[31m\u{7F}\u{85}\u{2028}\u{202E}é😀"
    #expect(text.compact == #""\n\r\t\u001b[31m\u007f\u0085\u2028\u202eé😀""#)
  }

  @Test func equalityDoesNotDependOnTheOrderOfMembers() {
    let left: JSONValue = ["a": 1, "b": [2]]
    let right: JSONValue = ["b": [2], "a": 1]
    #expect(left == right && left.hashValue == right.hashValue)
    #expect(left != ["a": 1, "b": [3]] && left != ["a": 1])
  }

  @Test func largeObjectsKeepTheirOrderAndForgetWhatIsRemoved() {
    var object = JSONObject((0..<100).map { ("k\($0)", .integer(Int64($0))) })
    object["k5"] = nil
    object["k99"] = "last"
    #expect(object.count == 99 && object["k5"] == nil && object["k6"] == 6 && object["k99"] == "last")
    #expect(object.keys.first == "k0" && object.keys.last == "k99")
  }

  @Test(arguments: [
    ("", 1, 1, "ends"), ("[1,]", 1, 4, "value"), ("{\"a\":1,}", 1, 8, "name"), ("{\"a\" 1}", 1, 6, "':'"),
    ("[1 2]", 1, 4, "','"), ("01", 1, 1, "begin with 0"), ("1.", 1, 3, "digit"), ("-", 1, 2, "digit"),
    ("1e", 1, 3, "digit"), ("1e400", 1, 1, "too large"), ("tru", 1, 1, "true"), ("\"a", 1, 1, "does not end"),
    ("\"\u{01}\"", 1, 2, "control"), ("\"\\x\"", 1, 3, "escape"), ("\"\\u12G4\"", 1, 6, "hexadecimal"),
    ("\"\\uD800\"", 1, 2, "surrogate"), ("\"\\uD800\\u0041\"", 1, 2, "surrogate"), ("[1]\n x", 2, 2, "follows"),
    ("{\"a\":1,\n \"a\":2}", 2, 2, "twice"), ("{\"é\":x}", 1, 6, "value"), ("NaN", 1, 1, "value"),
    ("'a'", 1, 1, "value"),
  ])
  func refuses(_ text: String, line: Int, column: Int, because reason: String) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error?.line == line && error?.column == column, "\(String(describing: error))")
    #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func refusesBytesThatAreNotText() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0x5C, 0x6E, 0xC0, 0x80, 0x22]) }
  }

  @Test func limitsDepthAndSize() throws {
    let nested = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(throws: Never.self) { try JSONValue(parsing: nested) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: "[" + nested + "]") }
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "[", count: 1_000_000)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: "[1,2]", limits: .init(bytes: 4)) }
  }

  @Test func readsNumbersAsWritten() throws {
    let value = try JSONValue(parsing: "[0, -1, 9223372036854775807, 9223372036854775808, 1.0, 1e2, -0]")
    #expect(
      value == [0, -1, .integer(.max), .number(9_223_372_036_854_775_808), .number(1), .number(100), .number(-0.0)])
  }

  /// What is written is read as the same value.
  @Test func roundTrip() throws {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<5000 {
      let value = random.json(depth: 4)
      #expect(try JSONValue(parsing: value.compact) == value)
      #expect(try JSONValue(parsing: value.pretty) == value)
    }
  }

  /// Whatever the bytes, the parser returns or throws.
  @Test func survivesMutilation() {
    var random = SeededGenerator(seed: 13)
    for _ in 0..<20_000 {
      var bytes = random.json(depth: 3).utf8()
      for _ in 0..<3 where !bytes.isEmpty {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      bytes.removeLast(Int.random(in: 0...min(2, bytes.count), using: &random))
      if let value = try? JSONValue(parsing: bytes) {
        #expect((try? JSONValue(parsing: value.compact)) == value)
      }
    }
  }

  // MARK: Encoding

  struct Report: Encodable {
    enum State: String, Encodable { case open }
    var id = 7
    var big = UInt64.max
    var wait = Duration.milliseconds(1500)
    var ratio = Double.infinity
    var half: Float = 0.1
    var state = State.open
    var missing: Int?
    var nested: [String: [Int]] = ["a": [1, 2]]
    var payload: JSONValue = ["x": nil]
    var letter: Character? { nil }
  }

  @Test func encodesWithoutFoundation() throws {
    let value = try JSONValue(encoding: Report())
    let expected = """
      {"id":7,"big":1.8446744073709552e+19,"wait":1.5,"ratio":"Infinity","half":0.1,"state":"open",\
      "nested":{"a":[1,2]},"payload":{"x":null}}
      """
    #expect(value.compact == expected)
    #expect(try JSONValue(encoding: [Int?.some(1), nil]) == [1, nil])
    #expect(try JSONValue(encoding: "x") == "x")
    #expect(try JSONValue(encoding: [String: Int]()) == [:])
  }

  final class Endless: Encodable {
    func encode(to encoder: any Encoder) throws {
      var container = encoder.unkeyedContainer()
      try container.encode(self)
    }
  }

  @Test func refusesToNestForever() {
    #expect(throws: EncodingError.self) { try JSONValue(encoding: Endless()) }
    #expect(JSONValue(describing: Endless()) == ["encoding_error": "EncodingError"])
  }

  class Animal: Encodable {
    var name = "cat"
  }

  final class Cat: Animal {
    var lives = 9
    enum Keys: CodingKey { case lives, details, list }
    override func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(lives, forKey: .lives)
      var details = container.nestedContainer(keyedBy: Keys.self, forKey: .details)
      var list = container.nestedUnkeyedContainer(forKey: .list)
      try details.encode(1, forKey: .lives)
      try list.encode("a")
      try list.encodeNil()
      try super.encode(to: container.superEncoder())
    }
  }

  @Test func nestedContainersMayBeFilledInTurn() throws {
    let value = try JSONValue(encoding: Cat())
    #expect(value == ["lives": 9, "details": ["lives": 1], "list": ["a", nil], "super": ["name": "cat"]])
  }

  @Test func encodesItself() throws {
    let value: JSONValue = ["a": [1, 2.5, nil, "x", true], "b": [:]]
    #expect(try JSONValue(encoding: Wrapper(value: value)) == ["value": value])
  }

  struct Wrapper: Encodable { var value: JSONValue }
}

extension SeededGenerator {
  mutating func json(depth: Int) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
    case 0: .null
    case 1: .bool(Bool.random(using: &self))
    case 2: .integer(Int64.random(in: .min ... .max, using: &self))
    case 3: .number(Double(bitPattern: next()).finite)
    case 4, 5: .string(text())
    case 6: .array((0..<Int.random(in: 0..<5, using: &self)).map { _ in json(depth: depth - 1) })
    default:
      .object(JSONObject((0..<Int.random(in: 0..<24, using: &self)).map { _ in (text(), json(depth: depth - 1)) }))
    }
  }

  private mutating func text() -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0..<6, using: &self) {
      let limit: UInt32 = Bool.random(using: &self) ? 0x80 : 0x11_0000
      if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &self)) { text.unicodeScalars.append(scalar) }
    }
    return text
  }
}

extension Double {
  /// A number with a fraction or an exponent, so that it is not read as an integer.
  fileprivate var finite: Double { isFinite ? self : 0.5 }
}
