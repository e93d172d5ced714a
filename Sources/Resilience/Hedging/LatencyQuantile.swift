/// A quantile of the last 128 latencies. A value; sorts once in sixteen records.
struct LatencyQuantile: Sendable {
  static let window = 128

  private let quantile: Double
  private var ring: [Duration] = []
  private var index = 0
  private var sinceSorted = 0
  private(set) var value: Duration?

  init(_ quantile: Double) { self.quantile = min(1, max(0, quantile)) }

  mutating func record(_ latency: Duration) {
    if ring.count < Self.window {
      ring.append(latency)
    } else {
      ring[index] = latency
      index = (index + 1) % Self.window
    }
    sinceSorted += 1
    guard ring.count >= 16, sinceSorted >= 16 || value == nil else { return }
    sinceSorted = 0
    let sorted = ring.sorted()
    value = sorted[min(sorted.count - 1, Int(quantile * Double(sorted.count)))]
  }
}
