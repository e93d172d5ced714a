/// A scrape that is written piece by piece. For one reader at a time.
public final class ScrapePieces {
  private let writer: any PieceWriting

  init(_ writer: any PieceWriting) { self.writer = writer }

  /// The next piece, about 64 KiB; nil behind the last one. The bytes are valid until the next call.
  public func next() -> UnsafeRawBufferPointer? {
    let piece = writer.next()
    return piece.isEmpty ? nil : piece
  }
}

protocol PieceWriting: AnyObject {
  /// Writes the next piece; an empty one behind the last.
  func next() -> UnsafeRawBufferPointer
}

/// Writes families, and stops wherever a piece is full.
final class PieceWriter<Exposition: ExpositionWriting & ~Copyable>: PieceWriting {
  /// What a family still has to write.
  private enum Rest {
    case series(ArraySlice<Series>)
    case samples(ArraySlice<MetricSamples.Sample>)
  }

  private static var size: Int { 64 << 10 }

  private var exposition: Exposition
  private var items: ArraySlice<MetricsScrape.Item>
  private var rest: Rest?
  private var reading = SeriesReading()
  private var hasBegun = false
  private var hasEnded = false

  init(_ exposition: consuming Exposition, _ items: [MetricsScrape.Item]) {
    self.exposition = exposition
    self.items = items[...]
  }

  func next() -> UnsafeRawBufferPointer {
    exposition.output.removeAll()
    if !hasBegun {
      hasBegun = true
      exposition.begin()
    }
    while exposition.output.count < Self.size, !hasEnded {
      switch rest.take() {
      case .series(let series): rest = write(series)
      case .samples(let samples): rest = write(samples)
      case nil: beginNext()
      }
    }
    return exposition.output.bytes
  }

  /// Begins the next family. One without series is described all the same, so that who looks sees that it is there.
  private func beginNext() {
    guard let item = items.popFirst() else {
      exposition.end()
      hasEnded = true
      return
    }
    switch item.entry {
    case .kept(let core):
      exposition.beginFamily(core.descriptor, core.extras, owner: item.owner)
      rest = .series(core.series[...])
    case .pulled(let family):
      exposition.beginFamily(family.descriptor, family.extras, owner: item.owner)
      rest = .samples(family.samples[...])
    }
  }

  private func write(_ series: ArraySlice<Series>) -> Rest? {
    var index = series.startIndex
    while index < series.endIndex {
      let entry = series[index]
      entry.read(into: &reading)
      exposition.write(entry.identity.text, entry, reading)
      index += 1
      if exposition.output.count >= Self.size, index < series.endIndex { return .series(series[index...]) }
    }
    exposition.endFamily()
    return nil
  }

  private func write(_ samples: ArraySlice<MetricSamples.Sample>) -> Rest? {
    var index = samples.startIndex
    while index < samples.endIndex {
      exposition.write(samples[index])
      index += 1
      if exposition.output.count >= Self.size, index < samples.endIndex { return .samples(samples[index...]) }
    }
    exposition.endFamily()
    return nil
  }
}
