/// The text format of Prometheus 0.0.4 and OpenMetrics 1.0, which differ in details.
///
/// https://prometheus.io/docs/instrumenting/exposition_formats/ and
/// https://prometheus.io/docs/specs/om/open_metrics_spec/
struct TextExposition: ExpositionWriting, ~Copyable {
  var output = ByteWriter(capacity: 80 << 10)
  private let isOpenMetrics: Bool
  private var kind = MetricKind.gauge
  private var name = ""
  /// The name of the main sample, and of the others of the family.
  private var head: [UInt8] = []
  private var bucketHead: [UInt8] = []
  private var sumHead: [UInt8] = []
  private var countHead: [UInt8] = []
  private var createdHead: [UInt8] = []
  private var labelNames: [Label] = []
  /// `le="0.1"` or `quantile="0.5"`, one a bucket or quantile.
  private var steps: [[UInt8]] = []
  private var hasNegativeBounds = false

  init(isOpenMetrics: Bool) { self.isOpenMetrics = isOpenMetrics }

  mutating func begin() {}

  mutating func beginFamily(_ descriptor: MetricDescriptor, _ extras: FamilyExtras, owner: String) {
    kind = descriptor.kind
    name = isOpenMetrics ? descriptor.name : descriptor.sampleName
    head = Array(descriptor.sampleName.utf8)
    bucketHead = Array((descriptor.name + "_bucket{").utf8)
    sumHead = Array((descriptor.name + "_sum").utf8)
    countHead = Array((descriptor.name + "_count").utf8)
    createdHead = Array((descriptor.name + "_created").utf8)
    labelNames = descriptor.labels
    steps = extras.bounds?.texts ?? extras.quantiles.map(TextExposition.quantile)
    hasNegativeBounds = (extras.bounds?.bounds.first ?? 0) < 0
    if !descriptor.help.isEmpty {
      output.append("# HELP ")
      output.append(name)
      output.append(UInt8(ascii: " "))
      output.appendHelp(descriptor.help, quotes: isOpenMetrics)
      output.append(UInt8(ascii: "\n"))
    }
    output.append("# TYPE ")
    output.append(name)
    output.append(UInt8(ascii: " "))
    output.append(type(descriptor))
    output.append(UInt8(ascii: "\n"))
    if isOpenMetrics, let unit = descriptor.unit {
      output.append("# UNIT ")
      output.append(name)
      output.append(UInt8(ascii: " "))
      output.append(unit)
      output.append(UInt8(ascii: "\n"))
    }
  }

  @inline(__always)
  mutating func write(_ labels: UnsafeRawBufferPointer, _ series: Series, _ reading: borrowing SeriesReading) {
    switch reading.form {
    case .whole, .number:
      begin(head, labels)
      if reading.form == .whole { output.append(reading.count) } else { output.append(reading.value) }
      if isOpenMetrics, let exemplar = reading.exemplars.first ?? nil { append(exemplar) }
      output.append(UInt8(ascii: "\n"))
      if isOpenMetrics, kind == .counter { writeCreated(labels, series.created) }
    case .buckets: writeHistogram(labels, series.created, reading)
    case .quantiles: writeSummary(labels, series.created, reading)
    }
  }

  mutating func write(_ sample: MetricSamples.Sample) {
    var text = ByteWriter(capacity: 256)
    for (index, label) in labelNames.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      text.append(label.name)
      text.append(#"=""#)
      var value = sample.values[index]
      value.withUTF8 { text.appendEscaped(UnsafeRawBufferPointer($0)) }
      text.append(UInt8(ascii: "\""))
    }
    // The bytes are those of `text`, which must not go before they are copied.
    withExtendedLifetime(text) {
      if let buckets = sample.buckets {
        writeHistogram(text.bytes, nil, SeriesReading(buckets: buckets, sum: sample.value))
      } else {
        begin(head, text.bytes)
        output.append(sample.value)
        output.append(UInt8(ascii: "\n"))
      }
    }
  }

  mutating func endFamily() {}

  mutating func end() {
    if isOpenMetrics { output.append("# EOF\n") }
  }
}

extension TextExposition {
  // A gauge that bears a counter's suffix, since others know it by that name: as a gauge a linter would refuse it.
  private func type(_ descriptor: MetricDescriptor) -> String {
    guard descriptor.kind == .gauge, descriptor.name.hasSuffix("_total") else { return descriptor.kind.rawValue }
    return isOpenMetrics ? "unknown" : "untyped"
  }

  private mutating func writeHistogram(
    _ labels: UnsafeRawBufferPointer, _ created: Double?, _ reading: borrowing SeriesReading
  ) {
    var total: UInt64 = 0
    for index in reading.buckets.indices {
      total &+= reading.buckets[index]
      append(bucketHead)
      beginStep(index, labels)
      output.append(total)
      if isOpenMetrics, index < reading.exemplars.count, let exemplar = reading.exemplars[index] { append(exemplar) }
      output.append(UInt8(ascii: "\n"))
    }
    writeSumAndCount(labels, created, reading)
  }

  private mutating func writeSummary(
    _ labels: UnsafeRawBufferPointer, _ created: Double?, _ reading: borrowing SeriesReading
  ) {
    for index in reading.quantiles.indices where index < steps.count {
      append(head)
      output.append(UInt8(ascii: "{"))
      beginStep(index, labels)
      output.append(reading.quantiles[index])
      output.append(UInt8(ascii: "\n"))
    }
    writeSumAndCount(labels, created, reading)
  }

  // A sum of OpenMetrics only grows, and one that does not fails the whole scrape. Without a sum a histogram has no count either: its last
  // bucket tells it.
  private mutating func writeSumAndCount(
    _ labels: UnsafeRawBufferPointer, _ created: Double?, _ reading: borrowing SeriesReading
  ) {
    let hasSum = !isOpenMetrics || (reading.sum >= 0 && !hasNegativeBounds)
    if hasSum {
      begin(sumHead, labels)
      output.append(reading.sum)
      output.append(UInt8(ascii: "\n"))
    }
    if hasSum || kind == .summary {
      begin(countHead, labels)
      output.append(reading.count)
      output.append(UInt8(ascii: "\n"))
    }
    if isOpenMetrics, let created { writeCreated(labels, created) }
  }

  private mutating func writeCreated(_ labels: UnsafeRawBufferPointer, _ created: Double) {
    begin(createdHead, labels)
    output.append(created)
    output.append(UInt8(ascii: "\n"))
  }

  /// `name{labels} `
  @inline(__always)
  private mutating func begin(_ head: [UInt8], _ labels: UnsafeRawBufferPointer) {
    append(head)
    if labels.count > 0 {
      output.append(UInt8(ascii: "{"))
      output.append(labels)
      output.append(UInt8(ascii: "}"))
    }
    output.append(UInt8(ascii: " "))
  }

  /// `labels,le="0.1"} `
  private mutating func beginStep(_ index: Int, _ labels: UnsafeRawBufferPointer) {
    output.append(labels)
    if labels.count > 0 { output.append(UInt8(ascii: ",")) }
    append(steps[index])
    output.append("} ")
  }

  /// ` # {trace_id="…"} value time`
  private mutating func append(_ exemplar: Exemplar) {
    output.append(#" # {trace_id=""#)
    output.append(exemplar.traceID)
    output.append(#""} "#)
    output.append(exemplar.value)
    output.append(UInt8(ascii: " "))
    output.append(exemplar.time)
  }

  @inline(__always)
  private mutating func append(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { output.append($0) }
  }

  private static func quantile(_ value: Double) -> [UInt8] {
    var text = ByteWriter(capacity: 32)
    text.append(#"quantile=""#)
    text.appendBound(value)
    text.append(UInt8(ascii: "\""))
    return Array(text.bytes)
  }
}
