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

  /// What is written, piece by piece: nothing is written before somebody asks for the next piece, so no more than one is in memory.
  /// - Parameter includes: Picks families; without it, all are written.
  public func pieces(
    as format: ExpositionFormat, where includes: (MetricDescriptor) -> Bool = { _ in true }
  ) -> ScrapePieces {
    let items = items.filter { includes($0.entry.descriptor) }
    return switch format {
    case .prometheusText: ScrapePieces(PieceWriter(TextExposition(isOpenMetrics: false), items))
    case .openMetrics: ScrapePieces(PieceWriter(TextExposition(isOpenMetrics: true), items))
    case .json: ScrapePieces(PieceWriter(JSONExposition(), items))
    case .csv: ScrapePieces(PieceWriter(CSVExposition(), items))
    }
  }

  /// Writes all families, or those that `includes` picks, in pieces of about 64 KiB.
  /// - Parameters:
  ///   - includes: Picks families; without it, all are written.
  ///   - sink: Receives each piece; the bytes are valid during the call only. What it throws ends the writing.
  public func write<Failure: Error>(
    as format: ExpositionFormat, where includes: (MetricDescriptor) -> Bool = { _ in true },
    to sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let pieces = pieces(as: format, where: includes)
    while let piece = pieces.next() { try sink(piece) }
  }

  /// The whole of it, for small registries and tests.
  public func bytes(as format: ExpositionFormat) -> [UInt8] {
    var bytes: [UInt8] = []
    write(as: format) { bytes.append(contentsOf: $0) }
    return bytes
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
