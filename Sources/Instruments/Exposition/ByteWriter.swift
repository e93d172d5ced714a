/// A growing buffer of bytes that is written front to back, and emptied chunk by chunk.
struct ByteWriter: ~Copyable {
  private(set) var count = 0
  private var capacity: Int
  private var start: UnsafeMutablePointer<UInt8>

  init(capacity: Int) {
    self.capacity = max(64, capacity)
    start = .allocate(capacity: self.capacity)
  }

  deinit { start.deallocate() }

  /// What is written and not yet emptied.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

  mutating func removeAll() { count = 0 }

  /// Makes room for so many bytes.
  @inline(__always)
  mutating func reserve(_ more: Int) {
    if count &+ more > capacity { grow(more) }
  }

  @inline(never)
  private mutating func grow(_ more: Int) {
    let larger = max(capacity * 2, count + more)
    let room = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    room.update(from: start, count: count)
    start.deallocate()
    start = room
    capacity = larger
  }

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    reserve(1)
    start[count] = byte
    count &+= 1
  }

  @inline(__always)
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    reserve(bytes.count)
    UnsafeMutableRawPointer(start + count).copyMemory(from: source, byteCount: bytes.count)
    count &+= bytes.count
  }

  mutating func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Decimal digits.
  @inline(__always)
  mutating func append(_ value: UInt64) {
    reserve(20)
    if value < 10 {
      start[count] = UInt8(truncatingIfNeeded: value) &+ 48
      count &+= 1
      return
    }
    let digits = ByteWriter.digits(value)
    var rest = value
    var end = start + count + digits
    while rest >= 10 {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      end -= 1
      end.pointee = UInt8(truncatingIfNeeded: digit) &+ 48
      rest = quotient
    }
    (end - 1).pointee = UInt8(truncatingIfNeeded: rest) &+ 48
    count &+= digits
  }

  private static func digits(_ value: UInt64) -> Int {
    var digits = 1
    var bound: UInt64 = 10
    while value >= bound {
      digits += 1
      let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
      if overflow { break }
      bound = next
    }
    return digits
  }

  mutating func append(_ value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(value.magnitude)
  }

  /// The shortest text that reads back as the same Double; whole numbers below 2⁵³ without a fraction; `+Inf`, `-Inf`, `NaN`.
  @inline(__always)
  mutating func append(_ value: Double) {
    if value.magnitude < 9_007_199_254_740_992, value == value.rounded(.towardZero) {
      if value.sign == .minus, value != 0 { append(UInt8(ascii: "-")) }
      append(UInt64(value.magnitude))
    } else {
      appendFraction(value)
    }
  }

  @inline(never)
  private mutating func appendFraction(_ value: Double) {
    if value.isFinite {
      append(value.description)
    } else {
      append(value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf")
    }
  }

  /// A bound as `le` and `quantile` carry it in OpenMetrics: `1.0`, `0.005`, `+Inf`.
  mutating func appendBound(_ value: Double) {
    value.isFinite ? append(value.description) : appendFraction(value)
  }

  /// A label value or exemplar value: `\`, `"` and line feed escaped.
  mutating func appendEscaped(_ value: UnsafeRawBufferPointer) { escape(value, quotes: true) }

  /// A help text. Prometheus' text format escapes `\` and line feed there; OpenMetrics also quotes.
  mutating func appendHelp(_ text: String, quotes: Bool) {
    var text = text
    text.withUTF8 { escape(UnsafeRawBufferPointer($0), quotes: quotes) }
  }

  private mutating func escape(_ value: UnsafeRawBufferPointer, quotes: Bool) {
    var plain = 0
    for index in value.indices {
      let replacement: StaticString
      switch value[index] {
      case UInt8(ascii: "\\"): replacement = #"\\"#
      case UInt8(ascii: "\n"): replacement = #"\n"#
      case UInt8(ascii: "\"") where quotes: replacement = #"\""#
      default: continue
      }
      append(UnsafeRawBufferPointer(rebasing: value[plain..<index]))
      append(replacement)
      plain = index + 1
    }
    append(UnsafeRawBufferPointer(rebasing: value[plain...]))
  }
}
