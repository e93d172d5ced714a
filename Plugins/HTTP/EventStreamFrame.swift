import MainstayKernel

/// What is written into an event stream (the format `text/event-stream` of the HTML standard): pure text.
enum EventStreamFrame {
  /// How soon the client shall come back when it loses the connection; also what opens the stream, so that the client
  /// learns at once that it is there.
  static func opening(retry: Duration) -> String { "retry: \(milliseconds(retry))\n\n" }

  /// A line that clients ignore.
  static func comment(_ text: String) -> String { ": \(text)\n\n" }

  /// An event: its place in this run of the host as the id, its topic as the type, and JSON.
  static func event(_ event: AnyEvent, run: EventStreamRun) -> String {
    var data: JSONObject = [
      "topic": .string(event.topic.rawValue), "sequence": .integer(Int64(event.sequence)),
      "time": .string(EventStreamTime.text(event.time)),
    ]
    data["publisher"] = event.publisher.map { .string($0) }
    data["requestId"] = event.requestID.map { .string($0) }
    data["event"] = event.json
    return "id: \(run.id(event.sequence))\nevent: \(event.topic.rawValue)\ndata: \(JSONValue.object(data).compact)\n\n"
  }

  /// Tells the client that it has lost events. Without an id, so that it does not move the client's place.
  static func dropped(_ count: Int, total: Int) -> String {
    let data: JSONValue = ["dropped": .integer(Int64(count)), "total": .integer(Int64(total))]
    return "event: bus.dropped\ndata: \(data.compact)\n\n"
  }

  private static func milliseconds(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}

/// One run of the host, within which events are numbered: with the next run numbers begin anew, so an id names both.
struct EventStreamRun: Sendable, Equatable {
  /// What tells this run from others: when it began, in milliseconds since 1970, written with 36 digits.
  let name: String

  init(startedAt: Duration) {
    let (seconds, attoseconds) = startedAt.components
    name = String(seconds * 1000 + attoseconds / 1_000_000_000_000_000, radix: 36)
  }

  /// `m5cq1k00-42`
  func id(_ sequence: Int) -> String { "\(name)-\(sequence)" }

  /// The number that a client saw last, if its id is of this run; nil if it knows nothing of this run.
  func sequence(of id: String?) -> Int? {
    guard let parts = id?.split(separator: "-"), parts.count == 2, parts[0] == name else { return nil }
    return Int(parts[1])
  }
}

/// Instants as RFC 3339 writes them, in UTC with milliseconds.
enum EventStreamTime {
  /// `2026-01-31T12:00:00.250Z`, from the time since 1970.
  static func text(_ time: Duration) -> String {
    let (seconds, attoseconds) = time.components
    let (day, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
    let (year, month, date) = civil(day)
    let clock = [second / 3600, second / 60 % 60, second % 60].map { padded($0, 2) }.joined(separator: ":")
    let milliseconds = padded(attoseconds / 1_000_000_000_000_000, 3)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(date, 2))T\(clock).\(milliseconds)Z"
  }

  /// Year, month and day of a day counted from 1970-01-01: eras of 400 years, years that begin in March.
  private static func civil(_ day: Int64) -> (Int64, Int64, Int64) {
    let shifted = day + 719_468
    let era = shifted / 146_097
    let inEra = shifted % 146_097
    let year = (inEra - inEra / 1460 + inEra / 36_524 - inEra / 146_096) / 365
    let inYear = inEra - (365 * year + year / 4 - year / 100)
    let march = (5 * inYear + 2) / 153
    let month = march < 10 ? march + 3 : march - 9
    return (year + era * 400 + (month <= 2 ? 1 : 0), month, inYear - (153 * march + 2) / 5 + 1)
  }

  private static func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
