/// The members of a JSON object, in the order in which they were written.
public struct JSONObject: Sendable {
  /// A name and its value.
  public typealias Member = (key: String, value: JSONValue)

  /// From this size on, names are looked up in an index.
  private static let indexed = 16

  private var members: [Member] = []
  private var index: [String: Int] = [:]

  /// An object without members.
  public init() {}

  /// An object of these members. Of two members of one name the later one counts.
  public init(_ members: some Sequence<(String, JSONValue)>) {
    for (key, value) in members { self[key] = value }
  }

  /// The value of that name. Setting nil removes the member.
  public subscript(key: String) -> JSONValue? {
    get { position(of: key).map { members[$0].value } }
    set {
      switch (position(of: key), newValue) {
      case (let position?, let value?): members[position].value = value
      case (let position?, nil): remove(at: position)
      case (nil, let value?): append(key, value)
      case (nil, nil): break
      }
    }
  }

  /// The names, in order.
  public var keys: [String] { members.map(\.key) }

  private func position(of key: String) -> Int? {
    members.count < JSONObject.indexed ? members.firstIndex { $0.key == key } : index[key]
  }

  private mutating func append(_ key: String, _ value: JSONValue) {
    members.append((key, value))
    if members.count > JSONObject.indexed {
      index[key] = members.count - 1
    } else if members.count == JSONObject.indexed {
      rebuildIndex()
    }
  }

  private mutating func remove(at position: Int) {
    members.remove(at: position)
    rebuildIndex()
  }

  private mutating func rebuildIndex() {
    index = [:]
    guard members.count >= JSONObject.indexed else { return }
    for (position, member) in members.enumerated() { index[member.key] = position }
  }
}

extension JSONObject: RandomAccessCollection {
  /// 0
  public var startIndex: Int { members.startIndex }
  /// The number of members.
  public var endIndex: Int { members.endIndex }
  /// The member at that position.
  public subscript(position: Int) -> Member { members[position] }
}

extension JSONObject: Hashable {
  /// Equal if they have equal members, in whatever order.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
  }

  /// Does not depend on the order of the members.
  public func hash(into hasher: inout Hasher) {
    var sum = 0
    for member in members {
      var one = Hasher()
      one.combine(member.key)
      one.combine(member.value)
      sum ^= one.finalize()
    }
    hasher.combine(sum)
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// Of two members of one name the later one counts.
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
