/// The API keys of a host: which key is whose.
struct APIKeyRing: Sendable {
  /// A key and its holder.
  struct Entry: Sendable {
    let name: String
    let digest: APIKeyDigest
    let roles: Set<String>
  }

  /// The longest key that is looked at.
  static let maximumLength = 512

  private(set) var entries: [Entry]

  init(_ entries: [Entry] = []) { self.entries = entries }

  /// The keys of a configuration.
  init(_ keys: [APIKeyConfiguration]) {
    entries = keys.compactMap { key in
      key.digest.map { Entry(name: key.name, digest: $0, roles: Set(key.roles)) }
    }
  }

  var isEmpty: Bool { entries.isEmpty }

  /// Whose key it is; nil if it is nobody's. Looks at every entry, whether or not an earlier one fits, so that the time
  /// says nothing of the keys.
  func holder(of key: String) -> Entry? {
    guard key.utf8.count <= Self.maximumLength else { return nil }
    let digest = APIKeyDigest(of: key)
    var found: Entry?
    for entry in entries where entry.digest.matches(digest) { found = entry }
    return found
  }
}
