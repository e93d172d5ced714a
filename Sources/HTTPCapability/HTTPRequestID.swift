/// Ids of requests: taken over from the client if well-formed, otherwise made here.
public enum HTTPRequestID {
  /// The longest id taken over from a client.
  public static let maximumLength = 128

  /// 128 random bits as 32 hexadecimal digits.
  public static func random() -> String {
    var generator = SystemRandomNumberGenerator()
    return hexadecimal(generator.next(), generator.next())
  }

  /// Whether an id from outside may go into logs and headers: 1 to 128 letters, digits and `-_.:=+/@`.
  public static func isWellFormed(_ id: String) -> Bool {
    let length = id.utf8.count
    return length > 0 && length <= maximumLength && id.utf8.allSatisfy(isAllowed)
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: "-_.:=+/@".utf8.contains(byte)
    }
  }

  private static func hexadecimal(_ high: UInt64, _ low: UInt64) -> String {
    String(unsafeUninitializedCapacity: 32) { bytes in
      for index in 0..<32 {
        let word = index < 16 ? high : low
        let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (index & 15))) & 15
        bytes[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      }
      return 32
    }
  }
}
