import MainstayReactor

// What meters are told. By the task that asked, when the unit is done and so its own.
extension Session {
  /// Runs a unit and tells its meter.
  @inline(__always)
  nonisolated(nonsending) func runMetered(_ unit: SessionUnit) async {
    guard let meter = handlers.meter else { return await run(unit) }
    let begun = MonotonicInstant.now
    await run(unit)
    meter.record(unit.operation, PostgresOutcome(unit.error), nanoseconds: (unit.answeredAt ?? .now).since(begun))
  }

  /// A stream begins.
  func streamBegins(_ unit: SessionUnit) {
    if handlers.meter != nil { unit.extra?.begun = .now }
  }

  /// A stream has ended, or its reader has gone. Tells the meter once.
  func streamEnded(_ unit: SessionUnit, _ outcome: PostgresOutcome) {
    guard let meter = handlers.meter, let extra = unit.extra, let begun = extra.begun else { return }
    extra.begun = nil
    meter.record(unit.operation, outcome, nanoseconds: MonotonicInstant.now.since(begun))
  }
}

extension SessionUnit {
  /// What kind of work it is.
  var operation: PostgresOperation {
    switch kind {
    case .batch: .batch
    case .script: .script
    case .copyIn, .copyOut: .copy
    default: statement?.operation ?? PostgresOperation(sql: query.sql)
    }
  }
}

extension MonotonicInstant {
  fileprivate func since(_ earlier: MonotonicInstant) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
  }
}
