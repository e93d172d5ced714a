/// The series of one name, told apart by their label values.
///
/// Resolve a series once and keep it: `let served = requests.labels("GET", "/users/{id}", "200")`. A lookup takes some
/// fifty nanoseconds, recording through the series two.
public struct Family<Instrument: Series>: Sendable {
  @usableFromInline let core: FamilyCore

  init(_ core: FamilyCore) { self.core = core }

  /// What the family measures.
  public var descriptor: MetricDescriptor { core.descriptor }

  /// The series with these label values, made if it is new. Never fails: values beyond the limits count as `other`, values that
  /// look like personal data as `redacted`, missing ones as empty.
  @inlinable
  public func labels(_ first: String) -> Instrument { unsafeDowncast(core.child(first), to: Instrument.self) }

  /// The series with these label values.
  @inlinable
  public func labels(_ first: String, _ second: String) -> Instrument {
    unsafeDowncast(core.child(first, second), to: Instrument.self)
  }

  /// The series with these label values.
  @inlinable
  public func labels(_ first: String, _ second: String, _ third: String) -> Instrument {
    unsafeDowncast(core.child(first, second, third), to: Instrument.self)
  }

  /// The series with these label values, in the order of the family's labels.
  @inlinable
  public func labels(_ values: [String]) -> Instrument { unsafeDowncast(core.child(values), to: Instrument.self) }

  /// Ends a series: it is exported no more. Who still holds it records into nothing.
  public func remove(_ values: String...) { core.remove(values) }

  /// Ends a series: it is exported no more.
  public func remove(_ values: [String]) { core.remove(values) }

  /// The series there are, in the order of their creation.
  public var series: [Instrument] { core.series.map { unsafeDowncast($0, to: Instrument.self) } }
}
