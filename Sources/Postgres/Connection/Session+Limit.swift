import CLibPQ
import MainstayReactor

// Results that are too large to be held. Under the lock.
extension Session {
  /// Looks at what the answer that is coming has brought already.
  func limitGrowth() {
    guard failure == nil, growth.isMeasured, let unit = inFlight.first, let limit = settings.maxResultSize else {
      return
    }
    let size = growth.bytes + (unit.extra?.size ?? 0)
    if unit.isAbandoned {
      // Its cancellation is under way, and libpq gathers what still comes.
      if size - limit > Session.mostBeforeEnd { lose(.tooLargeNeighbour(limit)) }
    } else if size > limit {
      giveUpTooLarge(unit, limit)
    }
  }

  /// Whether a result may be kept; if not, its unit fails. Results of one unit count together.
  func mayKeep(_ result: OpaquePointer, for unit: SessionUnit) -> Bool {
    guard let limit = settings.maxResultSize else { return true }
    var size = Int(PQresultMemorySize(result))
    if let extra = unit.extra {
      extra.size += size
      size = extra.size
    }
    if size <= limit { return true }
    if unit.extra != nil {
      giveUpTooLarge(unit, limit)
    } else {
      // It is complete: nothing is left to be stopped.
      let error = PostgresError.resultTooLarge(limit)
      unit.fail(unit.mayWrite ? error.indeterminate() : error)
    }
    return false
  }

  /// What may come beyond the limit until a cancelled statement has ended.
  private static let mostBeforeEnd = 256 << 20

  /// Its caller goes and the server is told to stop. Where others wait for answers on this connection, that might hit theirs;
  /// and waiting until they have them would let libpq go on gathering, so then the connection is closed.
  func giveUpTooLarge(_ unit: SessionUnit, _ limit: Int) {
    abandon(unit, .resultTooLarge(limit))
    unit.extra?.dropResults()
    if inFlight.allSatisfy(\.isAbandoned) { cancelIfOnlyAbandoned(.now) } else { lose(.tooLargeNeighbour(limit)) }
  }
}

extension PostgresError {
  static func resultTooLarge(_ limit: Int) -> PostgresError {
    PostgresError(
      .resultTooLarge,
      "the result is larger than \(limit) bytes; read it with stream or a cursor, ask for fewer rows, or raise the limit "
        + "(max_result_size)")
  }

  static func tooLargeNeighbour(_ limit: Int) -> PostgresError {
    PostgresError(
      .connectionLost, "another statement's result on the same connection was too large; the connection is closed",
      cause: resultTooLarge(limit))
  }

  /// Whether the connection was lost because of another statement's result.
  var isOfTooLargeNeighbour: Bool { (cause as? PostgresError)?.code == .resultTooLarge }
}
