/// What one series is called: its label values as given, and as the text formats write them, in one allocation.
///
/// The key is, for each value, its length in two bytes and its UTF-8. After it stands `name="value",…` with the values
/// escaped, so that a scrape copies bytes and escapes nothing.
struct SeriesIdentity: ~Copyable, @unchecked Sendable {
  // because the bytes are written once, before the identity is shared.

  let hash: UInt32
  private let bytes: UnsafeMutableRawBufferPointer
  private let keyLength: Int

  init(key: UnsafeRawBufferPointer, hash: UInt32, names: [Label]) {
    var text = ByteWriter(capacity: 64)
    LabelKey.forEach(in: key) { index, value in
      if index > 0 { text.append(UInt8(ascii: ",")) }
      text.append(names[index].name)
      text.append(#"=""#)
      text.appendEscaped(value)
      text.append(UInt8(ascii: "\""))
    }
    self.hash = hash
    keyLength = key.count
    bytes = .allocate(byteCount: max(1, key.count + text.count), alignment: 8)
    bytes.copyMemory(from: key)
    let room = UnsafeMutableRawBufferPointer(rebasing: bytes[key.count...])
    if text.count > 0 { room.copyMemory(from: text.bytes) }
  }

  deinit { bytes.deallocate() }

  /// The label values, as given.
  var key: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[..<keyLength]) }

  /// `method="GET",status="200"`; empty without labels.
  @inline(__always)
  var text: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: bytes.baseAddress.map { UnsafeRawPointer($0) + keyLength },
      count: keyLength == 0 ? 0 : bytes.count - keyLength)
  }

  /// The label values in the order of the labels.
  var values: [String] {
    var values: [String] = []
    LabelKey.forEach(in: key) { values.append(String(decoding: $1, as: UTF8.self)) }
    return values
  }
}

/// The key of a series: label values, each with its length in front.
enum LabelKey {
  /// The most bytes that one value takes in a key.
  static func room(_ values: Int, _ limits: MetricsLimits) -> Int { values * (min(limits.labelValueBytes, 0xFFFF) + 2) }

  /// Writes a value, cut to the limit at a character's boundary. Returns the bytes written and whether it was cut.
  @inline(__always)
  static func write(
    _ value: String, at offset: Int, into buffer: UnsafeMutableRawBufferPointer, limit: Int
  ) -> (next: Int, isCut: Bool) {
    var value = value
    return value.withUTF8 { bytes in
      var count = bytes.count
      if count > limit {
        count = limit
        while count > 0, bytes[count] & 0xC0 == 0x80 { count -= 1 }
      }
      buffer[offset] = UInt8(truncatingIfNeeded: count)
      buffer[offset + 1] = UInt8(truncatingIfNeeded: count >> 8)
      if count > 0, let source = bytes.baseAddress, let target = buffer.baseAddress {
        (target + offset + 2).copyMemory(from: source, byteCount: count)
      }
      return (offset + 2 + count, count < bytes.count)
    }
  }

  static func forEach(in key: UnsafeRawBufferPointer, _ body: (Int, UnsafeRawBufferPointer) -> Void) {
    var offset = 0
    var index = 0
    while offset + 2 <= key.count {
      let count = Int(key[offset]) | Int(key[offset + 1]) << 8
      body(index, UnsafeRawBufferPointer(rebasing: key[offset + 2..<offset + 2 + count]))
      offset += 2 + count
      index += 1
    }
  }

  /// A hash of the bytes, eight at a time (multiply and fold, as wyhash does). Tables are bounded, so it needs no seed.
  @inline(__always)
  static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: key.count)
    var offset = 0
    while offset + 8 <= key.count {
      hash = mix(hash, key.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    var rest: UInt64 = 0
    while offset < key.count {
      rest = rest << 8 | UInt64(key[offset])
      offset += 1
    }
    hash = mix(hash, rest)
    return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
  }

  @inline(__always)
  private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
    let product = (hash ^ word).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
    return product.high ^ product.low
  }
}
