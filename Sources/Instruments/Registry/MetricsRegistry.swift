public import MainstayKernel
import Synchronization

/// The instruments of one plugin.
///
/// ```swift
/// let metrics = MetricsRegistry(clock: context.clock)
/// let sent = try metrics.counter("emails_sent_total", help: "Emails sent.", labels: [Label("result", known: ["ok", "failed"])])
/// try context.contribute(metrics, to: .metrics)
/// ```
/// Registering the same name again with the same shape returns the same family; with another shape it throws, and never ends
/// the process.
public final class MetricsRegistry: Sendable {
  private struct State: Sendable {
    var families: [String: FamilyEntry] = [:]
    /// For each sample name that is taken, the family.
    var reserved: [String: String] = [:]
  }

  private let state = Mutex(State())
  let ledger: Ledger

  /// An empty registry.
  /// - Parameters:
  ///   - limits: The quotas.
  ///   - labelGuard: What is kept out of label values.
  ///   - clock: Tells when series began and exemplars were seen.
  public init(
    limits: MetricsLimits = MetricsLimits(), labelGuard: LabelGuard = .standard, clock: any HostClock = SystemClock()
  ) {
    ledger = Ledger(limits: limits, labelGuard: labelGuard) { clock.timeSinceEpoch.inSeconds }
  }

  /// The quotas.
  public var limits: MetricsLimits { ledger.limits }

  /// What the registry holds, and what it had to refuse.
  public var diagnostics: MetricsDiagnostics {
    let entries = self.entries
    return ledger.diagnostics(families: entries.count, overflow: entries.flatMap(\.overflow))
  }

  /// What is registered, by name.
  public var descriptors: [MetricDescriptor] { entries.map(\.descriptor) }

  /// Forgets a family: it is exported no more, and its name is free.
  public func remove(_ name: String) {
    let base = name.hasSuffix("_total") ? String(name.dropLast(6)) : name
    state.withLock { state in
      guard let entry = state.families.removeValue(forKey: name) ?? state.families.removeValue(forKey: base) else {
        return
      }
      for taken in entry.descriptor.reservedNames { state.reserved[taken] = nil }
    }
  }

  /// Families in the order of their names.
  var entries: [FamilyEntry] {
    state.withLock { Array($0.families.values) }.sorted { $0.descriptor.name < $1.descriptor.name }
  }

  /// Registers a family, or finds the one of the same name and shape.
  func register(
    _ name: String, _ help: String, _ kind: MetricKind, _ labels: [Label], _ instrument: FamilyShape.Instrument,
    _ make: (MetricDescriptor, FamilyShape) -> FamilyEntry
  ) throws(MetricsError) -> FamilyEntry {
    let descriptor = try MetricDescriptor(checking: name, help: help, kind: kind, labels: labels, limits: limits)
    let shape = FamilyShape(instrument: instrument, labels: labels.map(\.name))
    let outcome: Result<FamilyEntry, MetricsError> = state.withLock { state in
      if let existing = state.families[descriptor.name] {
        return existing.shape == shape
          ? .success(existing) : .failure(MetricsRegistry.conflict(name, existing.descriptor, kind, labels))
      }
      guard state.families.count < limits.families else {
        return .failure(MetricsError(.tooMany, "metric '\(name)' is one too many: \(limits.families) are registered"))
      }
      if let other = descriptor.reservedNames.compactMap({ state.reserved[$0] }).first {
        let message = "metric '\(name)' would write samples of the same name as '\(other)'; rename one of them"
        return .failure(MetricsError(.conflict, message))
      }
      for taken in descriptor.reservedNames { state.reserved[taken] = descriptor.name }
      let entry = make(descriptor, shape)
      state.families[descriptor.name] = entry
      return .success(entry)
    }
    return try outcome.get()
  }

  private static func conflict(
    _ name: String, _ existing: MetricDescriptor, _ kind: MetricKind, _ labels: [Label]
  ) -> MetricsError {
    func text(_ kind: MetricKind, _ labels: [Label]) -> String {
      "\(kind.rawValue) with \(labels.isEmpty ? "no labels" : "labels " + labels.map(\.name).joined(separator: ", "))"
    }
    let message =
      "metric '\(name)' is already a \(text(existing.kind, existing.labels)) and cannot also be a \(text(kind, labels)) "
      + "of other shape; use another name, or the same kind, labels, buckets and quantiles"
    return MetricsError(.conflict, message)
  }
}

/// A family as the registry keeps it.
enum FamilyEntry: Sendable {
  case kept(FamilyCore)
  case pulled(PulledFamily)

  var descriptor: MetricDescriptor {
    switch self {
    case .kept(let core): core.descriptor
    case .pulled(let family): family.descriptor
    }
  }

  var shape: FamilyShape {
    switch self {
    case .kept(let core): core.shape
    case .pulled(let family): family.shape
    }
  }

  var overflow: [MetricsDiagnostics.Overflow] {
    if case .kept(let core) = self { core.overflow } else { [] }
  }
}
