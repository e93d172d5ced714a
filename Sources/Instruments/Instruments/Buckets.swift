/// The upper bounds of a histogram's buckets, ascending. The bucket above all bounds is always there and not listed.
public struct Buckets: Sendable, Hashable {
  /// The bounds. A value belongs to the first bucket whose bound is not below it.
  public let bounds: [Double]

  /// Bounds of any kind.
  public init(_ bounds: [Double]) { self.bounds = bounds }

  /// `start`, `start · factor`, `start · factor²`, …
  public static func exponential(from start: Double, factor: Double, count: Int) -> Buckets {
    Buckets(series(start, count) { $0 * factor })
  }

  /// `start`, `start + width`, `start + 2 · width`, …
  public static func linear(from start: Double, width: Double, count: Int) -> Buckets {
    Buckets(series(start, count) { $0 + width })
  }

  /// 5 ms to 10 s, the usual bounds for the duration of requests, in seconds.
  public static let durations = Buckets([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])

  /// 256 bytes to 64 MiB, each four times the one before.
  public static let sizes = exponential(from: 256, factor: 4, count: 10)

  private static func series(_ start: Double, _ count: Int, _ next: (Double) -> Double) -> [Double] {
    var value = start
    return (0..<max(0, min(count, 1_000))).map { _ in
      defer { value = next(value) }
      return value
    }
  }

  /// What is wrong with the bounds, or nil.
  func problem(limit: Int) -> String? {
    if bounds.isEmpty { return "there are no bucket bounds" }
    if bounds.count > limit { return "there are \(bounds.count) bucket bounds; at most \(limit) are allowed" }
    guard bounds.allSatisfy(\.isFinite) else { return "a bucket bound is not finite; the last bucket is there anyway" }
    return zip(bounds, bounds.dropFirst()).allSatisfy(<) ? nil : "the bucket bounds do not ascend"
  }
}

/// Bounds as the hot path reads them, shared by the series of a family.
final class BucketBounds: @unchecked Sendable {
  // because the memory is written in the initialiser only.

  let bounds: [Double]
  /// Padded with infinity to whole groups of four.
  private let groups: UnsafeMutablePointer<SIMD4<Double>>
  private let groupCount: Int
  /// `le="0.005"` and so on, and `le="+Inf"`: what a scrape copies.
  let texts: [[UInt8]]

  init(_ buckets: Buckets) {
    bounds = buckets.bounds
    groupCount = (bounds.count + 3) / 4
    groups = .allocate(capacity: max(1, groupCount))
    for group in 0..<groupCount {
      var lanes = SIMD4<Double>(repeating: .infinity)
      for lane in 0..<4 where group * 4 + lane < bounds.count { lanes[lane] = bounds[group * 4 + lane] }
      (groups + group).initialize(to: lanes)
    }
    texts = (bounds + [.infinity]).map { bound in
      var text = ByteWriter(capacity: 32)
      text.append(#"le=""#)
      text.appendBound(bound)
      text.append(UInt8(ascii: "\""))
      return Array(text.bytes)
    }
  }

  deinit { groups.deallocate() }

  /// Buckets, that above all bounds included.
  var count: Int { bounds.count + 1 }

  /// The bucket of a value: how many bounds are below it. Four bounds at a time and no branch to mispredict; from 32 bounds
  /// on, halving first.
  @inline(__always)
  func bucket(of value: Double) -> Int {
    var first = 0
    var last = groupCount
    while last &- first > 8 {
      let middle = (first &+ last) / 2
      if groups[middle][0] < value { first = middle } else { last = middle }
    }
    var below = SIMD4<Int64>.zero
    let values = SIMD4<Double>(repeating: value)
    var group = first
    while group < last {
      below.replace(with: below &+ 1, where: groups[group] .< values)
      group &+= 1
    }
    return first &* 4 &+ Int(below.wrappedSum())
  }
}
