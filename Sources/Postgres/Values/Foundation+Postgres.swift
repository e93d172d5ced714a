public import FoundationEssentials

extension UUID: PostgresCodable {
  /// `uuid`
  public static var postgresType: PostgresType { .uuid }

  /// Appends sixteen bytes.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    withUnsafeBytes(of: uuid) { writer.write(bytes: $0) }
  }

  /// Reads a `uuid`.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard cell.type == .uuid else { throw cell.unsupported() }
    switch cell.format {
    case .binary:
      guard cell.bytes.count == MemoryLayout<uuid_t>.size else { throw cell.malformed() }
      self.init(uuid: cell.bytes.loadUnaligned(as: uuid_t.self))
    case .text:
      guard let value = UUID(uuidString: try cell.text()) else { throw cell.malformed() }
      self = value
    }
  }
}

extension Date: PostgresCodable {
  /// From 2000-01-01, where PostgreSQL counts from, to 2001-01-01, where Foundation does.
  private static let secondsFrom2000: Double = 366 * 86_400

  /// `timestamptz`
  public static var postgresType: PostgresType { .timestamptz }

  /// Appends the instant, to the microsecond. Throws if it is out of PostgreSQL's range.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: try PostgresTimestamp(self).microsecondsSince2000)
  }

  /// Reads a `timestamptz`, or a `timestamp`, which is taken to be in UTC. An infinity is an error.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard let date = Date(try PostgresTimestamp(from: cell)) else {
      throw PostgresError(.decoding, "the value is infinite; read a PostgresTimestamp")
    }
    self = date
  }

  /// The instant, or nil for an infinity.
  public init?(_ instant: PostgresTimestamp) {
    guard instant.isFinite else { return nil }
    // Whole seconds and the fraction apart, so that the result is rounded once.
    let (seconds, fraction) = instant.microsecondsSince2000.quotientAndRemainder(dividingBy: 1_000_000)
    self.init(timeIntervalSinceReferenceDate: (Double(seconds) - Date.secondsFrom2000) + Double(fraction) / 1e6)
  }

  fileprivate var microsecondsSince2000: Double {
    let seconds = timeIntervalSinceReferenceDate.rounded(.down)
    return (seconds + Date.secondsFrom2000) * 1e6 + ((timeIntervalSinceReferenceDate - seconds) * 1e6).rounded()
  }
}

extension PostgresTimestamp {
  /// The instant, to the microsecond. Throws if it is out of range.
  public init(_ date: Date) throws(PostgresError) {
    let microseconds = date.microsecondsSince2000
    guard let exact = Int64(exactly: microseconds), exact < .max, exact > .min else {
      throw PostgresError(.encoding, "the date is out of the range of timestamptz")
    }
    self.init(microsecondsSince2000: exact)
  }
}
