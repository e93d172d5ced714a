extension Duration {
  /// For people: three significant digits at most and one unit, such as `3.21ms`, `5s`, `2.5m`.
  public var formattedShort: String {
    let nanoseconds = Double(components.seconds) * 1e9 + Double(components.attoseconds) / 1e9
    let units: [(name: String, size: Double)] = [("h", 3.6e12), ("m", 6e10), ("s", 1e9), ("ms", 1e6), ("µs", 1e3)]
    let unit = units.first { nanoseconds >= $0.size * 0.9995 } ?? ("ns", 1)
    return Self.short(nanoseconds / unit.size) + unit.name
  }

  /// Seconds as a number.
  public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }

  private static func short(_ value: Double) -> String {
    let scale: Double = value < 9.995 ? 100 : value < 99.95 ? 10 : 1
    let rounded = (value * scale).rounded() / scale
    let text = "\(rounded)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
