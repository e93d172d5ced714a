/// `{"metrics":[{"name":…,"type":…,"help":…,"unit":…,"plugin":…,"series":[{"labels":{…},"value":…}]}]}`
///
/// Values that JSON cannot express are strings: `"NaN"`, `"+Inf"`, `"-Inf"`. Buckets are cumulative, as everywhere.
struct JSONExposition: ExpositionWriting, ~Copyable {
  var output = ByteWriter(capacity: 80 << 10)
  private var isFirstFamily = true
  private var isFirstSeries = true
  private var labels: [Label] = []
  private var kind = MetricKind.gauge
  private var extras = FamilyExtras()

  mutating func begin() { output.append(#"{"metrics":["#) }

  mutating func beginFamily(_ descriptor: MetricDescriptor, _ extras: FamilyExtras, owner: String) {
    if !isFirstFamily { output.append(UInt8(ascii: ",")) }
    isFirstFamily = false
    isFirstSeries = true
    labels = descriptor.labels
    kind = descriptor.kind
    self.extras = extras
    output.append(#"{"name":"#)
    string(descriptor.sampleName)
    output.append(#","type":"#)
    string(descriptor.kind.rawValue)
    output.append(#","help":"#)
    string(descriptor.help)
    if let unit = descriptor.unit {
      output.append(#","unit":"#)
      string(unit)
    }
    output.append(#","plugin":"#)
    string(owner)
    output.append(#","series":["#)
  }

  mutating func write(_ text: UnsafeRawBufferPointer, _ series: Series, _ reading: borrowing SeriesReading) {
    beginSeries(series.labelValues)
    switch reading.form {
    case .whole:
      output.append(#","value":"#)
      output.append(reading.count)
    case .number:
      output.append(#","value":"#)
      number(reading.value)
    case .buckets: writeBuckets(reading)
    case .quantiles: writeQuantiles(reading)
    }
    if kind != .gauge {
      output.append(#","created":"#)
      number(series.created)
    }
    output.append(UInt8(ascii: "}"))
  }

  mutating func write(_ sample: MetricSamples.Sample) {
    beginSeries(sample.values)
    if let buckets = sample.buckets {
      writeBuckets(SeriesReading(buckets: buckets, sum: sample.value))
    } else {
      output.append(#","value":"#)
      number(sample.value)
    }
    output.append(UInt8(ascii: "}"))
  }

  mutating func endFamily() { output.append("]}") }

  mutating func end() { output.append("]}\n") }
}

extension JSONExposition {
  private mutating func beginSeries(_ values: [String]) {
    if !isFirstSeries { output.append(UInt8(ascii: ",")) }
    isFirstSeries = false
    output.append(#"{"labels":{"#)
    for (index, value) in values.enumerated() where index < labels.count {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      string(labels[index].name)
      output.append(UInt8(ascii: ":"))
      string(value)
    }
    output.append(UInt8(ascii: "}"))
  }

  private mutating func writeBuckets(_ reading: borrowing SeriesReading) {
    sumAndCount(reading)
    output.append(#","buckets":["#)
    var total: UInt64 = 0
    for index in reading.buckets.indices {
      total &+= reading.buckets[index]
      if index > 0 { output.append(UInt8(ascii: ",")) }
      output.append(#"{"le":"#)
      let bounds = extras.bounds?.bounds ?? []
      number(index < bounds.count ? bounds[index] : .infinity)
      output.append(#","count":"#)
      output.append(total)
      output.append(UInt8(ascii: "}"))
    }
    output.append(UInt8(ascii: "]"))
  }

  private mutating func writeQuantiles(_ reading: borrowing SeriesReading) {
    sumAndCount(reading)
    output.append(#","quantiles":["#)
    for index in reading.quantiles.indices where index < extras.quantiles.count {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      output.append(#"{"quantile":"#)
      number(extras.quantiles[index])
      output.append(#","value":"#)
      number(reading.quantiles[index])
      output.append(UInt8(ascii: "}"))
    }
    output.append(UInt8(ascii: "]"))
  }

  private mutating func sumAndCount(_ reading: borrowing SeriesReading) {
    output.append(#","count":"#)
    output.append(reading.count)
    output.append(#","sum":"#)
    number(reading.sum)
  }

  private mutating func number(_ value: Double) {
    if value.isFinite { return output.append(value) }
    output.append(UInt8(ascii: "\""))
    output.append(value)
    output.append(UInt8(ascii: "\""))
  }

  private mutating func string(_ text: String) {
    output.append(UInt8(ascii: "\""))
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": output.append(#"\""#)
      case "\\": output.append(#"\\"#)
      case "\n": output.append(#"\n"#)
      case "\r": output.append(#"\r"#)
      case "\t": output.append(#"\t"#)
      case _ where scalar.value < 0x20 || scalar.value == 0x7F || (0x2028...0x202E).contains(scalar.value):
        let digits = String(scalar.value, radix: 16)
        output.append(#"\u"#)
        for _ in digits.utf8.count..<4 { output.append(UInt8(ascii: "0")) }
        output.append(digits)
      default: for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { output.append(unit) }
      }
    }
    output.append(UInt8(ascii: "\""))
  }
}
