import Synchronization

/// The series of one family, whatever their kind.
@usableFromInline
final class FamilyCore: Sendable {
  let descriptor: MetricDescriptor
  let shape: FamilyShape
  let ledger: Ledger
  let extras: FamilyExtras
  private let make: @Sendable (consuming SeriesSeed) -> Series
  private let state: Mutex<State>

  private struct State: Sendable {
    var table = SeriesTable()
    var cardinality: Cardinality
  }

  init(
    _ descriptor: MetricDescriptor, _ shape: FamilyShape, _ extras: FamilyExtras, _ ledger: Ledger,
    make: @escaping @Sendable (consuming SeriesSeed) -> Series
  ) {
    self.descriptor = descriptor
    self.shape = shape
    self.extras = extras
    self.ledger = ledger
    self.make = make
    state = Mutex(State(cardinality: Cardinality(descriptor.labels, ledger.limits)))
    declareKnown()
  }

  /// What the series are now. Cheap: the array is shared.
  var series: [Series] { state.withLock { $0.table.series } }

  var overflow: [MetricsDiagnostics.Overflow] {
    let counts = state.withLock { $0.cardinality.overflow }
    return zip(descriptor.labels, counts).filter { $0.1 > 0 }.map {
      MetricsDiagnostics.Overflow(metric: descriptor.name, label: $0.0.name, count: $0.1)
    }
  }

  @usableFromInline
  func child() -> Series { lookUp(given: 0) { _, _ in 0 } }

  @usableFromInline
  func child(_ first: String) -> Series {
    lookUp(given: 1) { key, isCut in write(first, 0, key, &isCut) }
  }

  @usableFromInline
  func child(_ first: String, _ second: String) -> Series {
    lookUp(given: 2) { key, isCut in write(second, write(first, 0, key, &isCut), key, &isCut) }
  }

  @usableFromInline
  func child(_ first: String, _ second: String, _ third: String) -> Series {
    lookUp(given: 3) { key, isCut in
      write(third, write(second, write(first, 0, key, &isCut), key, &isCut), key, &isCut)
    }
  }

  @usableFromInline
  func child(_ values: [String]) -> Series {
    guard values.count == descriptor.labels.count else {
      ledger.mismatch()
      return child(descriptor.labels.indices.map { $0 < values.count ? values[$0] : "" })
    }
    return lookUp(given: values.count) { key, isCut in
      values.reduce(0) { write($1, $0, key, &isCut) }
    }
  }

  @usableFromInline
  func remove(_ values: [String]) {
    guard values.count == descriptor.labels.count else { return }
    let isGone = withKey(values) { key, _ in
      state.withLock { state in
        guard state.table.remove(key) else { return false }
        state.cardinality.ended(LabelKey.values(of: key))
        return true
      }
    }
    if isGone { ledger.seriesEnded() }
  }

  deinit {
    let count = state.withLock { $0.table.series.count }
    ledger.seriesEnded(count)
  }
}

extension FamilyCore {
  /// Finds the series of the key that `fill` writes, or makes it.
  @inline(__always)
  private func lookUp(given: Int, _ fill: (UnsafeMutableRawBufferPointer, inout Bool) -> Int) -> Series {
    let labels = descriptor.labels.count
    let room = max(8, LabelKey.room(max(given, labels), ledger.limits))
    return withUnsafeTemporaryAllocation(byteCount: room, alignment: 8) { buffer in
      var isCut = false
      let length = fill(buffer, &isCut)
      let key = UnsafeRawBufferPointer(rebasing: buffer[..<length])
      if given != labels { return mismatched(key) }
      let hash = LabelKey.hash(key)
      if let found = state.withLock({ $0.table.find(key, hash) }) { return found }
      if isCut { ledger.cutValue() }
      return resolve(LabelKey.values(of: key))
    }
  }

  @inline(__always)
  private func write(_ value: String, _ offset: Int, _ key: UnsafeMutableRawBufferPointer, _ isCut: inout Bool) -> Int {
    let (next, wasCut) = LabelKey.write(value, at: offset, into: key, limit: min(ledger.limits.labelValueBytes, 0xFFFF))
    if wasCut { isCut = true }
    return next
  }

  @inline(never)
  private func mismatched(_ key: UnsafeRawBufferPointer) -> Series { child(LabelKey.values(of: key)) }

  private func withKey<Result>(_ values: [String], _ body: (UnsafeRawBufferPointer, UInt32) -> Result) -> Result {
    withUnsafeTemporaryAllocation(byteCount: max(8, LabelKey.room(values.count, ledger.limits)), alignment: 8) {
      buffer in
      var isCut = false
      let length = values.reduce(0) { write($1, $0, buffer, &isCut) }
      let key = UnsafeRawBufferPointer(rebasing: buffer[..<length])
      return body(key, LabelKey.hash(key))
    }
  }

  /// A combination of values that was not there: guards, limits, and makes a series.
  @inline(never)
  private func resolve(_ given: [String]) -> Series {
    let (series, redacted, isNew) = state.withLock { state in
      var values = given
      let redacted = state.cardinality.redact(&values, with: ledger.labelGuard)
      state.cardinality.limit(&values)
      if values != given, let found = find(values, in: state.table) { return (found, redacted, false) }
      var isCollapsed = false
      while !hasRoom(state, isCollapsed), state.cardinality.collapse(&values) {
        isCollapsed = true
        if let found = find(values, in: state.table) { return (found, redacted, false) }
      }
      // Somebody else may have made it between the first look and the lock.
      if let found = find(values, in: state.table) { return (found, redacted, false) }
      let new = withKey(values) { key, hash in
        make(
          SeriesSeed(
            identity: SeriesIdentity(key: key, hash: hash, names: descriptor.labels), created: ledger.now()))
      }
      state.table.insert(new)
      state.cardinality.began(values)
      return (new, redacted, true)
    }
    for _ in 0..<redacted { ledger.redact() }
    if isNew { ledger.seriesBegan() }
    return series
  }

  private func find(_ values: [String], in table: SeriesTable) -> Series? {
    withKey(values) { table.find($0, $1) }
  }

  private func hasRoom(_ state: State, _ isCollapsed: Bool) -> Bool {
    let cardinality = state.cardinality
    return cardinality.hasRoom(
      state.table.series.count, of: ledger.limits.seriesPerFamily, isCollapsed: isCollapsed)
      && cardinality.hasRoom(ledger.seriesCount, of: ledger.limits.series, isCollapsed: isCollapsed)
  }

  /// Makes the series of every combination of values that are known beforehand, so that they are exported as zero.
  private func declareKnown() {
    var combinations: [[String]] = [[]]
    for label in descriptor.labels {
      guard !label.known.isEmpty, combinations.count * label.known.count <= ledger.limits.seriesPerFamily else {
        return
      }
      combinations = combinations.flatMap { start in label.known.map { start + [$0] } }
    }
    for values in combinations { _ = child(values) }
  }
}

extension LabelKey {
  static func values(of key: UnsafeRawBufferPointer) -> [String] {
    var values: [String] = []
    forEach(in: key) { values.append(String(decoding: $1, as: UTF8.self)) }
    return values
  }
}

/// What must be the same for two registrations of one name to be the same family.
struct FamilyShape: Sendable, Hashable {
  enum Instrument: Sendable, Hashable {
    case counter, upDownCounter, gauge, pulled
    case histogram(Buckets)
    case pulledHistogram(Buckets)
    case summary(SummaryOptions)
  }

  let instrument: Instrument
  let labels: [String]
}

/// What the series of a family share beyond their descriptor.
struct FamilyExtras: Sendable {
  var bounds: BucketBounds?
  var quantiles: [Double] = []
}
