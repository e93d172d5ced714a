import Synchronization

/// One observation by example: the trace in which it happened.
public struct Exemplar: Sendable, Hashable {
  /// The trace: letters, digits, `-` and `_`, at most 100.
  public let traceID: String
  /// The observed value, or what a counter was raised by.
  public let value: Double
  /// When: seconds since 1970.
  public let time: Double
}

/// The latest exemplars of a series, one a bucket. Takes no room until the first one comes.
struct Exemplars: ~Copyable, @unchecked Sendable {
  // because the pointer is set once and what it points to is guarded by a lock.

  private final class Latest: Sendable {
    let places: Mutex<[Exemplar?]>
    init(count: Int) { places = Mutex(Array(repeating: nil, count: count)) }
  }

  private let latest = Atomic<UnsafeRawPointer?>(nil)

  deinit {
    if let pointer = latest.load(ordering: .acquiring) { Unmanaged<Latest>.fromOpaque(pointer).release() }
  }

  /// Keeps an exemplar at one of so many places. A trace id that OpenMetrics cannot carry is left out.
  func keep(_ traceID: String, _ value: Double, at place: Int, of count: Int, now: Double) {
    guard Exemplars.isUsable(traceID), place < count else { return }
    let exemplar = Exemplar(traceID: traceID, value: value, time: now)
    made(count).places.withLock { $0[place] = exemplar }
  }

  /// One for each place; empty if there has never been one.
  var current: [Exemplar?] {
    guard let pointer = latest.load(ordering: .acquiring) else { return [] }
    return Unmanaged<Latest>.fromOpaque(pointer).takeUnretainedValue().places.withLock { $0 }
  }

  private func made(_ count: Int) -> Latest {
    if let pointer = latest.load(ordering: .acquiring) {
      return Unmanaged<Latest>.fromOpaque(pointer).takeUnretainedValue()
    }
    let new = Unmanaged.passRetained(Latest(count: count))
    let (exchanged, original) = latest.compareExchange(
      expected: nil, desired: UnsafeRawPointer(new.toOpaque()), ordering: .acquiringAndReleasing)
    if !exchanged, let original {
      new.release()
      return Unmanaged<Latest>.fromOpaque(original).takeUnretainedValue()
    }
    return new.takeUnretainedValue()
  }

  // OpenMetrics allows 128 characters for the names and values of an exemplar's labels together.
  private static func isUsable(_ id: String) -> Bool {
    !id.isEmpty && id.utf8.count <= 100
      && id.utf8.allSatisfy {
        switch $0 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }
}
