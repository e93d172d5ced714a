/// The members of an object, in the order in which they were given. Immutable, and cheap to copy.
public struct TemplateObject: Sendable {
  /// A name and its value.
  public struct Member: Sendable {
    /// The name.
    public let key: String
    /// The value.
    public let value: TemplateValue
  }

  /// A reference, so that an object takes one word inside a value.
  final class Storage: Sendable {
    let members: [Member]
    let index: [String: Int]?

    init(_ members: [Member]) {
      self.members = members
      if members.count <= TemplateObject.indexed {
        index = nil
      } else {
        index = Dictionary(members.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { _, last in last })
      }
    }
  }

  /// Above this size, names are looked up in an index.
  static let indexed = 12

  let storage: Storage

  /// An object of these members. Of two members of one name the later one counts, at the place of the first.
  public init(_ members: some Sequence<(String, TemplateValue)>) {
    var unique: [Member] = []
    unique.reserveCapacity(members.underestimatedCount)
    var places: [String: Int] = [:]
    for (key, value) in members {
      let member = Member(key: key, value: value)
      let known =
        unique.count <= Self.indexed ? unique.firstIndex { $0.key == key } : Self.place(of: key, in: &places, unique)
      if let known {
        unique[known] = member
      } else {
        unique.append(member)
      }
    }
    storage = Storage(unique)
  }

  private static func place(of key: String, in places: inout [String: Int], _ members: [Member]) -> Int? {
    for index in places.count..<members.count { places[members[index].key] = index }
    return places[key]
  }

  /// The value of that name, or nil.
  public subscript(key: String) -> TemplateValue? {
    position(of: key).map { storage.members[$0].value }
  }

  /// The names, in order.
  public var keys: [String] { storage.members.map(\.key) }

  func position(of key: String) -> Int? {
    if let index = storage.index { return index[key] }
    return storage.members.firstIndex { $0.key == key }
  }

  func isSame(as other: TemplateObject) -> Bool { storage === other.storage }

  /// This object with members added or replaced.
  public func merging(_ other: some Sequence<(String, TemplateValue)>) -> TemplateObject {
    var members = storage.members.map { ($0.key, $0.value) }
    members.append(contentsOf: other)
    return TemplateObject(members)
  }
}

extension TemplateObject: RandomAccessCollection {
  /// 0
  public var startIndex: Int { 0 }
  /// The number of members.
  public var endIndex: Int { storage.members.count }
  /// The member at that position.
  public subscript(position: Int) -> Member { storage.members[position] }
}
