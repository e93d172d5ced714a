/// Where a request stands in a distributed trace: W3C Trace Context, level 1, as the `traceparent` and `tracestate`
/// headers carry it.
public struct TraceContext: Sendable, Hashable {
  /// The trace, 32 lower-case hexadecimal digits when written; never 0.
  public struct TraceID: Sendable, Hashable, CustomStringConvertible {
    let high: UInt64
    let low: UInt64

    /// 32 hexadecimal digits.
    public var description: String { high.hexadecimal + low.hexadecimal }
  }

  /// A step of a trace, 16 lower-case hexadecimal digits when written; never 0.
  public struct SpanID: Sendable, Hashable, CustomStringConvertible {
    let value: UInt64

    /// 16 hexadecimal digits.
    public var description: String { value.hexadecimal }
  }

  /// The trace.
  public let traceID: TraceID
  /// The step: that of the caller in a context that was received, our own in one that is passed on.
  public let spanID: SpanID
  /// Whether somebody records this trace.
  public let isSampled: Bool
  /// What tracing vendors pass along, unread; at most 512 bytes.
  public let state: String?

  init(traceID: TraceID, spanID: SpanID, isSampled: Bool, state: String?) {
    self.traceID = traceID
    self.spanID = spanID
    self.isSampled = isSampled
    self.state = state
  }

  /// Begins a trace.
  public static func random(isSampled: Bool = false) -> TraceContext {
    var generator = SystemRandomNumberGenerator()
    return random(isSampled: isSampled, using: &generator)
  }

  /// Begins a trace with the given randomness.
  public static func random(isSampled: Bool, using generator: inout some RandomNumberGenerator) -> TraceContext {
    let traceID = TraceID(
      high: .random(in: 1 ... .max, using: &generator), low: .random(in: 0 ... .max, using: &generator))
    return TraceContext(traceID: traceID, spanID: .random(using: &generator), isSampled: isSampled, state: nil)
  }

  /// The next step of the same trace.
  public func child() -> TraceContext {
    var generator = SystemRandomNumberGenerator()
    return child(using: &generator)
  }

  /// The next step of the same trace, with the given randomness.
  public func child(using generator: inout some RandomNumberGenerator) -> TraceContext {
    TraceContext(traceID: traceID, spanID: .random(using: &generator), isSampled: isSampled, state: state)
  }
}

extension TraceContext {
  /// Reads the two headers. Nil if `traceparent` is not as the standard says: a new trace is then to be begun.
  /// A `tracestate` that is too long or holds control characters is left out.
  public init?(traceparent: String, tracestate: String? = nil) {
    guard let parent = Array(traceparent.utf8).parsedTraceparent else { return nil }
    self.init(
      traceID: parent.traceID, spanID: parent.spanID, isSampled: parent.flags & 1 == 1,
      state: tracestate.flatMap { TraceContext.isUsable(state: $0) ? $0 : nil })
  }

  /// The `traceparent` header.
  public var traceparent: String { "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")" }

  private static func isUsable(state: String) -> Bool {
    (1...512).contains(state.utf8.count)
      && state.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x09 }
      && state.utf8.count { $0 == UInt8(ascii: ",") } < 32
  }
}

extension TraceContext: CustomStringConvertible {
  /// The `traceparent` header.
  public var description: String { traceparent }
}

extension TraceContext.SpanID {
  static func random(using generator: inout some RandomNumberGenerator) -> TraceContext.SpanID {
    TraceContext.SpanID(value: .random(in: 1 ... .max, using: &generator))
  }
}

extension [UInt8] {
  fileprivate struct Traceparent {
    let traceID: TraceContext.TraceID
    let spanID: TraceContext.SpanID
    let flags: UInt8
  }

  /// `version-traceid-spanid-flags`, in lower-case hexadecimal digits. A later version may go on after another dash.
  fileprivate var parsedTraceparent: Traceparent? {
    let dash = UInt8(ascii: "-")
    guard count >= 55, self[2] == dash, self[35] == dash, self[52] == dash, let version = hexadecimal(0..<2),
      version != 0xFF, count == 55 || (version != 0 && self[55] == dash), let high = hexadecimal(3..<19),
      let low = hexadecimal(19..<35), let span = hexadecimal(36..<52), let flags = hexadecimal(53..<55),
      high | low != 0, span != 0
    else { return nil }
    return Traceparent(
      traceID: .init(high: high, low: low), spanID: .init(value: span), flags: UInt8(truncatingIfNeeded: flags))
  }

  private func hexadecimal(_ range: Range<Int>) -> UInt64? {
    var value: UInt64 = 0
    for byte in self[range] {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    return value
  }
}

extension UInt64 {
  fileprivate var hexadecimal: String {
    let digits = String(self, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}
