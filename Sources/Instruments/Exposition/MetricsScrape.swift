/// The families of several registries at one moment, ready to be written or read.
///
/// Registries stay live: values are read as they are written out.
public struct MetricsScrape: Sendable {
  struct Item: Sendable {
    let owner: String
    let entry: FamilyEntry
  }

  let items: [Item]
  /// Families left out because another registry has the name. The first in the order of owners keeps it.
  public let duplicates: [DuplicateMetric]

  /// Gathers what is registered.
  /// - Parameter sources: The registries with the names of their owners, in the order of precedence.
  public init(_ sources: [(owner: String, registry: MetricsRegistry)]) {
    var owners: [String: String] = [:]
    var items: [Item] = []
    var duplicates: [DuplicateMetric] = []
    var seen: Set<ObjectIdentifier> = []
    for (owner, registry) in sources where seen.insert(ObjectIdentifier(registry)).inserted {
      for entry in registry.entries {
        let names = entry.descriptor.reservedNames
        if let other = names.compactMap({ owners[$0] }).first {
          duplicates.append(DuplicateMetric(name: entry.descriptor.name, keptFrom: other, leftOutOf: owner))
        } else {
          for name in names { owners[name] = owner }
          items.append(Item(owner: owner, entry: entry))
        }
      }
    }
    self.items = items.sorted { $0.entry.descriptor.name < $1.entry.descriptor.name }
    self.duplicates = duplicates
  }

  /// What is written, by name, each with its owner.
  public var definitions: [(owner: String, descriptor: MetricDescriptor)] {
    items.map { ($0.owner, $0.entry.descriptor) }
  }

  /// Writes all families, or those that `includes` picks, in chunks of about 64 KiB.
  /// - Parameters:
  ///   - includes: Picks families; without it, all are written.
  ///   - sink: Receives each chunk; the bytes are valid during the call only. What it throws ends the writing.
  public func write<Failure: Error>(
    as format: ExpositionFormat, where includes: (MetricDescriptor) -> Bool = { _ in true },
    to sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    switch format {
    case .prometheusText: try run(TextExposition(isOpenMetrics: false), includes, sink)
    case .openMetrics: try run(TextExposition(isOpenMetrics: true), includes, sink)
    case .json: try run(JSONExposition(), includes, sink)
    case .csv: try run(CSVExposition(), includes, sink)
    }
  }

  /// The whole of it, for small registries and tests.
  public func bytes(as format: ExpositionFormat) -> [UInt8] {
    var bytes: [UInt8] = []
    write(as: format) { bytes.append(contentsOf: $0) }
    return bytes
  }

  private static let chunk = 64 << 10

  private func run<Failure: Error, Exposition: ExpositionWriting & ~Copyable>(
    _ exposition: consuming Exposition, _ includes: (MetricDescriptor) -> Bool,
    _ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    var exposition = exposition
    var reading = SeriesReading()
    exposition.begin()
    for item in items where includes(item.entry.descriptor) {
      switch item.entry {
      case .kept(let core):
        let series = core.series
        if series.isEmpty { continue }
        exposition.beginFamily(core.descriptor, core.extras, owner: item.owner)
        for entry in series {
          entry.read(into: &reading)
          exposition.write(entry.identity.text, entry, reading)
          if exposition.output.count >= MetricsScrape.chunk { try exposition.flush(sink) }
        }
        exposition.endFamily()
      case .pulled(let family):
        let samples = family.samples
        if samples.isEmpty { continue }
        exposition.beginFamily(family.descriptor, family.extras, owner: item.owner)
        for sample in samples {
          exposition.write(sample)
          if exposition.output.count >= MetricsScrape.chunk { try exposition.flush(sink) }
        }
        exposition.endFamily()
      }
    }
    exposition.end()
    try exposition.flush(sink)
  }
}

/// A family that was left out of a scrape.
public struct DuplicateMetric: Sendable, Hashable {
  /// The family.
  public let name: String
  /// Whose family of that name, or with samples of that name, is exported.
  public let keptFrom: String
  /// Whose is not.
  public let leftOutOf: String
}

/// A format that families are written in, one after the other.
protocol ExpositionWriting: ~Copyable {
  var output: ByteWriter { get set }
  mutating func begin()
  mutating func beginFamily(_ descriptor: MetricDescriptor, _ extras: FamilyExtras, owner: String)
  mutating func write(_ labels: UnsafeRawBufferPointer, _ series: Series, _ reading: borrowing SeriesReading)
  mutating func write(_ sample: MetricSamples.Sample)
  mutating func endFamily()
  mutating func end()
}

extension ExpositionWriting where Self: ~Copyable {
  mutating func flush<Failure: Error>(_ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
    if output.count > 0 { try sink(output.bytes) }
    output.removeAll()
  }
}
