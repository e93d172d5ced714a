/// A `numeric`: an exact decimal number of up to 131,072 digits before the point and 16,383 behind it, or NaN or an
/// infinity. Two numbers that differ in trailing zeros only are equal; the zeros are kept for printing. As in
/// PostgreSQL, NaN is equal to itself and larger than everything else.
public struct PostgresNumeric: Sendable {
  enum Kind: UInt8, Sendable {
    case negativeInfinity, finite, infinity, nan
  }

  let kind: Kind
  let isNegative: Bool
  /// Digits to base 10,000, most significant first, without zeros at either end. Empty for zero.
  let digits: [UInt16]
  /// The power of 10,000 that the first digit counts.
  let weight: Int
  /// How many decimal digits are printed behind the point.
  public let scale: Int

  /// Not a number.
  public static let nan = PostgresNumeric(kind: .nan)
  /// Larger than every number.
  public static let infinity = PostgresNumeric(kind: .infinity)
  /// Smaller than every number.
  public static let negativeInfinity = PostgresNumeric(kind: .negativeInfinity)
  /// Zero.
  public static let zero = PostgresNumeric(isNegative: false, digits: [], weight: 0, scale: 0)

  /// The most decimal digits behind the point.
  public static let maximumScale = 16_383
  /// The most decimal digits before the point.
  static let maximumIntegerDigits = 131_072

  private init(kind: Kind) {
    self.kind = kind
    isNegative = kind == .negativeInfinity
    digits = []
    weight = 0
    scale = 0
  }

  /// A finite number; zeros at either end are removed, and the scale covers every digit that is there.
  init(isNegative: Bool, digits: [UInt16], weight: Int, scale: Int) {
    let leading = digits.prefix { $0 == 0 }.count
    let trailing = leading == digits.count ? 0 : digits.reversed().prefix { $0 == 0 }.count
    kind = .finite
    self.digits = leading + trailing == 0 ? digits : Array(digits[leading..<(digits.count - trailing)])
    self.isNegative = isNegative && !self.digits.isEmpty
    self.weight = self.digits.isEmpty ? 0 : weight - leading
    self.scale = max(scale, PostgresNumeric.neededScale(self.digits, weight: self.weight))
  }

  private static func neededScale(_ digits: [UInt16], weight: Int) -> Int {
    guard let last = digits.last else { return 0 }
    let groups = digits.count - 1 - weight
    let zeros = last % 10 != 0 ? 0 : last % 100 != 0 ? 1 : last % 1_000 != 0 ? 2 : 3
    return groups > 0 ? groups * 4 - zeros : 0
  }

  /// An integer.
  public init(_ value: some BinaryInteger) {
    var rest = value.magnitude
    var digits: [UInt16] = []
    while rest > 0 {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10_000)
      digits.append(UInt16(remainder))
      rest = quotient
    }
    self.init(isNegative: value < 0, digits: digits.reversed(), weight: digits.count - 1, scale: 0)
  }

  /// The shortest decimal number that is read as this `Double`; 0.1 becomes exactly 0.1.
  public init(_ value: Double) {
    self = PostgresNumeric(value.description) ?? .nan
  }

  /// Whether it is neither NaN nor an infinity.
  public var isFinite: Bool { kind == .finite }
  /// Whether it is NaN.
  public var isNaN: Bool { kind == .nan }
  /// The nearest `Double`; an infinity if it is too large for one.
  public var doubleValue: Double {
    switch kind {
    case .finite: Double(description) ?? .nan
    case .infinity: .infinity
    case .negativeInfinity: -.infinity
    case .nan: .nan
    }
  }
}

extension FixedWidthInteger {
  /// The integer, or nil if the number has a fraction or does not fit.
  public init?(exactly number: PostgresNumeric) {
    guard number.isFinite, number.digits.count <= number.weight + 1 || number.digits.isEmpty else { return nil }
    var value: Self = 0
    for place in 0..<(number.digits.isEmpty ? 0 : number.weight + 1) {
      let group = place < number.digits.count ? number.digits[place] : 0
      // One decimal digit at a time: 10,000 is more than the small types hold.
      for divisor: UInt16 in [1_000, 100, 10, 1] {
        let digit = Self(truncatingIfNeeded: group / divisor % 10)
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) =
          number.isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
        if overflow || carry { return nil }
        value = sum
      }
    }
    self = value
  }
}

extension PostgresNumeric: Hashable, Comparable {
  /// Whether they are the same number, whatever their trailing zeros.
  public static func == (left: PostgresNumeric, right: PostgresNumeric) -> Bool {
    left.kind == right.kind && left.isNegative == right.isNegative && left.weight == right.weight
      && left.digits == right.digits
  }

  /// Hashes the number without its trailing zeros.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(isNegative)
    hasher.combine(weight)
    hasher.combine(digits)
  }

  /// Whether the left one is smaller; NaN is the largest.
  public static func < (left: PostgresNumeric, right: PostgresNumeric) -> Bool {
    if left.kind != right.kind { return left.kind.rawValue < right.kind.rawValue }
    if left.isNegative != right.isNegative { return left.isNegative }
    return left.isNegative ? right.hasSmallerMagnitude(than: left) : left.hasSmallerMagnitude(than: right)
  }

  private func hasSmallerMagnitude(than other: PostgresNumeric) -> Bool {
    if digits.isEmpty || other.digits.isEmpty { return digits.isEmpty && !other.digits.isEmpty }
    return weight == other.weight ? digits.lexicographicallyPrecedes(other.digits) : weight < other.weight
  }
}

extension PostgresNumeric: ExpressibleByIntegerLiteral {
  /// An integer.
  public init(integerLiteral value: Int) { self.init(value) }
}

extension PostgresNumeric: Codable {
  /// Reads a string or a number; a JSON number may have lost digits before it comes here.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      guard let value = PostgresNumeric(text) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a decimal number")
      }
      self = value
    } else if let integer = try? container.decode(Int64.self) {
      self.init(integer)
    } else {
      self.init(try container.decode(Double.self))
    }
  }

  /// Writes a string, which keeps every digit.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
