import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A time zone as the machine's tzdata has it (RFC 8536).
final class TimeZoneFile: Sendable {
  private struct Transition {
    let moment: Int64
    let kind: Int
  }

  private struct Kind {
    let offset: Int
    let name: String
  }

  static let utc = TimeZoneFile(transitions: [], kinds: [Kind(offset: 0, name: "UTC")], rule: nil)

  private let transitions: [Transition]
  private let kinds: [Kind]
  /// What holds after the last transition.
  private let rule: TimeZoneRule?

  private init(transitions: [Transition], kinds: [Kind], rule: TimeZoneRule?) {
    self.transitions = transitions
    self.kinds = kinds
    self.rule = rule
  }

  // MARK: Finding zones

  private static let folder = "/usr/share/zoneinfo/"
  /// No more zones are kept than this; further ones are read each time.
  private static let capacity = 64
  private static let known = Mutex<[String: TimeZoneFile]>(["UTC": utc, "GMT": utc, "Z": utc])

  /// The zone of that name, or nil if tzdata has none or is not there.
  static func named(_ name: String) -> TimeZoneFile? {
    if let zone = known.withLock({ $0[name] }) { return zone }
    guard isName(name), let bytes = read(folder + name), let zone = TimeZoneFile(bytes) else { return nil }
    known.withLock { if $0.count < capacity { $0[name] = zone } }
    return zone
  }

  /// Names cannot leave the folder of zones.
  private static func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: "/")
      && name.utf8.allSatisfy {
        $0.isLetter || $0.isDigit
          || [UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+")].contains($0)
      }
  }

  private static func read(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var content = [UInt8](repeating: 0, count: 1 << 18)
    let count = fread(&content, 1, content.count, file)
    return count > 0 && count < content.count ? Array(content[..<count]) : nil
  }

  // MARK: Reading RFC 8536

  private convenience init?(_ bytes: [UInt8]) {
    var reader = BigEndianReader(bytes)
    guard let first = Header(&reader), first.version >= 2 else { return nil }
    reader.skip(first.size(ofTime: 4))
    guard let header = Header(&reader), header.kinds > 0 else { return nil }
    let moments = (0..<header.transitions).compactMap { _ in reader.integer(8) }
    let places = (0..<header.transitions).compactMap { _ in reader.integer(1) }
    let kinds = (0..<header.kinds).compactMap { _ -> (Int, Int)? in
      guard let offset = reader.integer(4), reader.integer(1) != nil, let name = reader.integer(1) else { return nil }
      return (Int(Int32(truncatingIfNeeded: offset)), Int(name))
    }
    let names = reader.bytes(header.names)
    guard moments.count == header.transitions, places.count == header.transitions, kinds.count == header.kinds,
      places.allSatisfy({ Int($0) < kinds.count })
    else { return nil }
    reader.skip(header.leapSeconds * 12 + header.standard + header.universal)
    self.init(
      transitions: zip(moments, places).map { Transition(moment: $0, kind: Int($1)) },
      kinds: kinds.map { Kind(offset: $0.0, name: Self.name(at: $0.1, in: names)) },
      rule: TimeZoneRule(String(decoding: reader.rest, as: UTF8.self)))
  }

  private static func name(at start: Int, in names: [UInt8]) -> String {
    guard start < names.count else { return "" }
    return String(decoding: names[start...].prefix { $0 != 0 }, as: UTF8.self)
  }

  private struct Header {
    let version: Int
    let universal, standard, leapSeconds, transitions, kinds, names: Int

    init?(_ reader: inout BigEndianReader) {
      guard reader.bytes(4) == Array("TZif".utf8), let version = reader.bytes(1).first else { return nil }
      self.version = version >= 0x32 ? 2 : 1
      reader.skip(15)
      let counts = (0..<6).compactMap { _ in reader.integer(4).map { Int($0) } }
      guard counts.count == 6, counts.allSatisfy({ (0...100_000).contains($0) }) else { return nil }
      (universal, standard, leapSeconds) = (counts[0], counts[1], counts[2])
      (transitions, kinds, names) = (counts[3], counts[4], counts[5])
    }

    func size(ofTime size: Int) -> Int {
      transitions * (size + 1) + kinds * 6 + names + leapSeconds * (size + 4) + standard + universal
    }
  }

  // MARK: Offsets

  /// Seconds east of Greenwich at a moment, and the abbreviation in force.
  func offset(at moment: Int64) -> (seconds: Int, name: String) {
    if let rule, moment >= transitions.last?.moment ?? Int64.min { return rule.offset(at: moment) }
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle].moment <= moment { low = middle + 1 } else { high = middle }
    }
    let kind = kinds[low == 0 ? 0 : transitions[low - 1].kind]
    return (kind.offset, kind.name)
  }
}

private struct BigEndianReader {
  private let content: [UInt8]
  private var position = 0

  init(_ content: [UInt8]) { self.content = content }

  mutating func integer(_ size: Int) -> Int64? {
    guard position + size <= content.count else { return nil }
    defer { position += size }
    return content[position..<(position + size)].reduce(into: Int64(0)) { $0 = $0 << 8 | Int64($1) }
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    let end = min(position + count, content.count)
    defer { position = end }
    return Array(content[position..<end])
  }

  mutating func skip(_ count: Int) { position = min(position + count, content.count) }

  var rest: ArraySlice<UInt8> { content[position...] }
}
