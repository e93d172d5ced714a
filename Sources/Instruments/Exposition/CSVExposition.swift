/// `name,type,plugin,sample,labels,value`, a line a sample, as RFC 4180 has it.
///
/// `labels` is `name=value` pairs separated by `;`, in which `\`, `;` and `=` of values are escaped by `\`. A text that begins with `=`,
/// `+`, `-`, `@`, a tab or a carriage return gets an apostrophe in front, so that no spreadsheet runs it as a formula.
struct CSVExposition: ExpositionWriting, ~Copyable {
  var output = ByteWriter(capacity: 80 << 10)
  private var descriptor: MetricDescriptor?
  private var extras = FamilyExtras()
  private var owner = ""

  mutating func begin() { output.append("name,type,plugin,sample,labels,value\r\n") }

  mutating func beginFamily(_ descriptor: MetricDescriptor, _ extras: FamilyExtras, owner: String) {
    self.descriptor = descriptor
    self.extras = extras
    self.owner = owner
  }

  mutating func write(_ text: UnsafeRawBufferPointer, _ series: Series, _ reading: borrowing SeriesReading) {
    write(series.labelValues, reading)
  }

  private mutating func write(_ values: [String], _ reading: borrowing SeriesReading) {
    switch reading.form {
    case .whole:
      beginLine("value", values)
      output.append(reading.count)
      endLine()
    case .number: line("value", values, reading.value)
    case .buckets:
      var total: UInt64 = 0
      for index in reading.buckets.indices {
        total &+= reading.buckets[index]
        let bounds = extras.bounds?.bounds ?? []
        beginLine("bucket", values, step: ("le", index < bounds.count ? bounds[index] : .infinity))
        output.append(total)
        endLine()
      }
    case .quantiles:
      for index in reading.quantiles.indices where index < extras.quantiles.count {
        beginLine("quantile", values, step: ("quantile", extras.quantiles[index]))
        output.append(reading.quantiles[index])
        endLine()
      }
    }
    if reading.form == .buckets || reading.form == .quantiles {
      line("sum", values, reading.sum)
      beginLine("count", values)
      output.append(reading.count)
      endLine()
    }
  }

  mutating func write(_ sample: MetricSamples.Sample) {
    if let buckets = sample.buckets {
      write(sample.values, SeriesReading(buckets: buckets, sum: sample.value))
    } else {
      line("value", sample.values, sample.value)
    }
  }

  mutating func endFamily() {}

  mutating func end() {}
}

extension CSVExposition {
  private mutating func line(_ sample: String, _ values: [String], _ value: Double) {
    beginLine(sample, values)
    output.append(value)
    endLine()
  }

  private mutating func endLine() { output.append("\r\n") }

  private mutating func beginLine(_ sample: String, _ values: [String], step: (String, Double)? = nil) {
    guard let descriptor else { return }
    for text in [descriptor.sampleName, descriptor.kind.rawValue, owner, sample] {
      field(text)
      output.append(UInt8(ascii: ","))
    }
    field(pairs(descriptor.labels, values, step))
    output.append(UInt8(ascii: ","))
  }

  private func pairs(_ labels: [Label], _ values: [String], _ step: (String, Double)?) -> String {
    var pairs = zip(labels, values).map { label, value in
      var escaped = ""
      for character in value.unicodeScalars {
        if character == "\\" || character == ";" || character == "=" { escaped.unicodeScalars.append("\\") }
        escaped.unicodeScalars.append(character)
      }
      return "\(label.name)=\(escaped)"
    }
    if let step { pairs.append("\(step.0)=\(step.1.isFinite ? step.1.description : "+Inf")") }
    return pairs.joined(separator: ";")
  }

  private mutating func field(_ text: String) {
    let isFormula = text.utf8.first.map { "=+-@\t\r".utf8.contains($0) } ?? false
    let needsQuotes = isFormula || text.utf8.contains { "\",\r\n".utf8.contains($0) }
    if !needsQuotes { return output.append(text) }
    output.append(UInt8(ascii: "\""))
    if isFormula { output.append(UInt8(ascii: "'")) }
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\"") { output.append(byte) }
      output.append(byte)
    }
    output.append(UInt8(ascii: "\""))
  }
}
