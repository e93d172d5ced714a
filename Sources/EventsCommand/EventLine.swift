import MainstayCommandLine
import MainstayKernel

/// One event as a line on the terminal: time, topic, what it says.
struct EventLine: Sendable {
  let style: Style
  let json: Bool

  /// The line for an event of a stream. Whatever the server sends, the line holds nothing that steers a terminal.
  func text(type: String, data: String) -> String {
    guard let value = try? JSONValue(parsing: data) else { return JSONValue.string(data).compact }
    if json { return value.compact }
    let topic = value["topic"]?.stringValue ?? type
    if topic == "bus.dropped", let dropped = value["dropped"]?.integerValue, value["event"] == nil {
      return style.red("\(dropped) events were lost: this stream was read too slowly")
    }
    let time = value["time"]?.stringValue.map(clock) ?? "--:--:--.---"
    var parts = [style.dim(time), style.cyan(Self.printable(topic)), (value["event"] ?? value).compact]
    if let request = value["requestId"]?.stringValue { parts.append(style.dim("request=" + Self.printable(request))) }
    return parts.joined(separator: " ")
  }

  /// `12:00:00.250` of `2026-01-31T12:00:00.250Z`.
  private func clock(_ time: String) -> String {
    let parts = time.split(separator: "T")
    return Self.printable(parts.count == 2 ? String(parts[1].prefix { $0 != "Z" }) : time)
  }

  private static func printable(_ text: String) -> String {
    let scalars = text.unicodeScalars.filter { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
    return String(String.UnicodeScalarView(scalars))
  }
}
