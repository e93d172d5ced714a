/// A number of bytes: `64MiB`, `1MB`, `512`.
public struct ByteCount: Sendable, Hashable, Comparable {
  /// How many bytes.
  public let bytes: Int

  /// That many bytes.
  public init(bytes: Int) { self.bytes = bytes }

  /// That many bytes.
  public static func bytes(_ count: Int) -> ByteCount { ByteCount(bytes: count) }
  /// Times 1,024 bytes.
  public static func kibibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 10) }
  /// Times 1,048,576 bytes.
  public static func mebibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 20) }
  /// Times 1,073,741,824 bytes.
  public static func gibibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 30) }

  /// The smaller one comes first.
  public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
}

extension ByteCount: CustomStringConvertible {
  private static let units: [(name: String, size: Int)] = [
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("KB", 1000), ("B", 1),
  ]

  /// In the largest unit that needs no fraction: `64MiB`, `1MB`, `512B`.
  public var description: String {
    let unit = bytes == 0 ? nil : Self.units.first { bytes.isMultiple(of: $0.size) }
    return "\(bytes / (unit?.size ?? 1))\(unit?.name ?? "B")"
  }

  /// Reads `64MiB`, `1.5GiB`, `1MB` or a plain number of bytes. Nil if it cannot be read or is too large.
  public init?(parsing text: String) {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let suffix = text.dropFirst(number.count).drop { $0 == " " }
    let size = suffix.isEmpty ? 1 : Self.units.first { $0.name == suffix }?.size
    guard let size, let decimal = DecimalNumber(number), let bytes = decimal.times(size) else { return nil }
    self.bytes = bytes
  }
}

/// A decimal number without a sign, kept exact: `1.5` is 15 tenths.
struct DecimalNumber {
  private let digits: Int
  private let scale: Int

  /// Reads `12` or `1.5`; at most nine digits behind the point.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, !whole.isEmpty, parts.allSatisfy({ $0.allSatisfy { ("0"..."9").contains($0) } })
    else { return nil }
    let fraction = parts.count > 1 ? String(parts[1]) : ""
    guard parts.count == 1 || (1...9).contains(fraction.count), let digits = Int(String(whole) + fraction)
    else { return nil }
    self.digits = digits
    scale = (0..<fraction.count).reduce(1) { scale, _ in scale * 10 }
  }

  /// The product, if it is a whole number that fits.
  func times(_ factor: Int) -> Int? {
    let (product, overflow) = digits.multipliedReportingOverflow(by: factor)
    return overflow || !product.isMultiple(of: scale) ? nil : product / scale
  }
}
