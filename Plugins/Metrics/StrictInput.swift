import MainstayHTTP

/// What a request states as an object. See ``Strict``.
protocol StrictInput: Decodable {
  associatedtype CodingKeys: CodingKey & CaseIterable
  /// The members of objects within it, by the name of the member that holds them.
  static var members: [String: [String]] { get }
  /// What a member may be, in words, where only some texts are good.
  static var choices: [String: String] { get }
}

extension StrictInput {
  static var members: [String: [String]] { [:] }
  static var choices: [String: String] { [:] }
}

/// Reads an object and refuses members that are not known: a slip of the pen in a rule would be an alert that never comes, and nobody
/// would learn of it.
struct Strict<Value: StrictInput>: Decodable {
  let value: Value

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: MemberName.self)
    try Strict.check(container, Value.CodingKeys.allCases.map(\.stringValue), of: "")
    for (name, known) in Value.members.sorted(by: { $0.key < $1.key }) {
      let member = MemberName(stringValue: name)
      guard container.contains(member), try !container.decodeNil(forKey: member) else { continue }
      let inner = try container.nestedContainer(keyedBy: MemberName.self, forKey: member)
      try Strict.check(inner, known, of: " of '\(name)'")
    }
    do {
      value = try Value(from: decoder)
    } catch DecodingError.dataCorrupted(let context) {
      guard let name = context.codingPath.last?.stringValue, let choices = Value.choices[name] else {
        throw DecodingError.dataCorrupted(context)
      }
      throw HTTPProblem(.unprocessableContent, "'\(name)' must be one of: \(choices).")
    }
  }

  private static func check(
    _ container: KeyedDecodingContainer<MemberName>, _ known: [String], of place: String
  ) throws(HTTPProblem) {
    guard let unknown = container.allKeys.map(\.stringValue).filter({ !known.contains($0) }).min() else { return }
    let shown = String(unknown.unicodeScalars.prefix(60).filter { $0.isASCII && $0.value >= 0x20 })
    throw HTTPProblem(
      .unprocessableContent,
      "The member '\(shown)'\(place) is not known; there are: \(known.sorted().joined(separator: ", ")).")
  }
}

/// Any name of a member.
private struct MemberName: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
