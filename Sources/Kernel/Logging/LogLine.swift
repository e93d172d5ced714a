import Logging

/// One line of the log, before it is rendered.
struct LogLine {
  /// The longest message or value, in bytes; what is beyond is cut and marked.
  static let limit = 16 << 10
  private static let depth = 8

  let time: Duration
  let level: Logger.Level
  let label: String
  let plugin: String?
  let requestID: String?
  let traceID: String?
  let message: String
  let error: String?
  let metadata: Logger.Metadata

  func rendered(as format: LogFormat) -> [UInt8] {
    switch format {
    case .json: json
    case .text: LogText(colored: false).render(self)
    case .colored: LogText(colored: true).render(self)
    }
  }

  private var json: [UInt8] {
    var writer = JSONWriter()
    writer.append(#"{"time":"# as StaticString)
    writer.write(Timestamp.rfc3339(time))
    writer.append(#","level":"# as StaticString)
    writer.write(level.rawValue)
    for (name, value) in texts { writer.writeMember(name, value) }
    if !metadata.isEmpty {
      writer.append(#","metadata":"# as StaticString)
      writer.write(.object(LogLine.members(of: metadata, depth: 0)))
    }
    writer.append("}\n" as StaticString)
    return writer.output
  }

  private var texts: [(StaticString, String)] {
    var texts: [(StaticString, String)] = [("logger", label)]
    if let plugin { texts.append(("plugin", plugin)) }
    if let requestID { texts.append(("request_id", LogLine.safe(requestID))) }
    if let traceID { texts.append(("trace_id", traceID)) }
    texts.append(("message", LogLine.safe(message)))
    if let error { texts.append(("error", LogLine.safe(error))) }
    return texts
  }

  /// The text without secrets, and not too long.
  static func safe(_ text: String) -> String {
    guard text.utf8.count > limit else { return LogScrubber.scrubbed(text) }
    return LogScrubber.scrubbed(String(decoding: text.utf8.prefix(limit), as: UTF8.self)) + "…"
  }

  static func members(of metadata: Logger.Metadata, depth: Int) -> JSONObject {
    JSONObject(metadata.sorted { $0.key < $1.key }.map { ($0, value($1, under: $0, depth: depth + 1)) })
  }

  private static func value(_ value: Logger.MetadataValue, under key: String, depth: Int) -> JSONValue {
    if LogScrubber.isSensitive(key: key) { return .string(LogScrubber.mark) }
    if depth > self.depth { return "…" }
    return switch value {
    case .string(let text): .string(safe(text))
    case .stringConvertible(let value): .string(safe(value.description))
    case .array(let values): .array(values.map { self.value($0, under: "", depth: depth + 1) })
    case .dictionary(let values): .object(members(of: values, depth: depth))
    }
  }
}

extension JSONWriter {
  fileprivate mutating func writeMember(_ name: StaticString, _ value: String) {
    append(#",""# as StaticString)
    append(name)
    append(#"":"# as StaticString)
    write(value)
  }
}

/// The format for people: `12:03:04.123 INFO  http  listening  port=8080  request=7f3a`.
private struct LogText {
  let colored: Bool

  func render(_ line: LogLine) -> [UInt8] {
    var parts = [
      paint(Timestamp.rfc3339(line.time).dropFirst(11).dropLast(), "2"),
      paint(name(of: line.level), color(of: line.level)),
      paint(padded(line.plugin ?? line.label), "36"), LogText.escaped(LogLine.safe(line.message)),
    ]
    if let error = line.error { parts.append(paint("error=", "2") + LogText.quoted(LogLine.safe(error))) }
    parts += LogLine.members(of: line.metadata, depth: 0).map { member($0.key, $0.value) }
    if let requestID = line.requestID { parts.append(member("request_id", .string(LogLine.safe(requestID)))) }
    if let traceID = line.traceID { parts.append(member("trace_id", .string(traceID))) }
    return Array((parts.joined(separator: " ") + "\n").utf8)
  }

  private func member(_ name: String, _ value: JSONValue) -> String {
    let text = if case .string(let text) = value { LogText.quoted(text) } else { value.compact }
    return paint(LogText.escaped(name) + "=", "2") + text
  }

  private func paint(_ text: some StringProtocol, _ code: String) -> String {
    colored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : String(text)
  }

  private func padded(_ name: String) -> String {
    let name = LogText.escaped(name)
    return name + String(repeating: " ", count: max(0, 10 - name.count))
  }

  private func name(of level: Logger.Level) -> String {
    switch level {
    case .trace: "TRACE"
    case .debug: "DEBUG"
    case .info: "INFO "
    case .notice: "NOTE "
    case .warning: "WARN "
    case .error: "ERROR"
    case .critical: "CRIT "
    }
  }

  private func color(of level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: "2"
    case .info, .notice: "32"
    case .warning: "33"
    case .error, .critical: "1;31"
    }
  }

  /// The text with control characters as escapes, as JSON has them.
  private static func escaped(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    if isPlain { return text }
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069:
        escaped += JSONValue.string(String(scalar)).compact.dropFirst().dropLast()
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// In quotes if it would not read as one value otherwise.
  private static func quoted(_ text: String) -> String {
    let isBare = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D }
    return isBare ? text : JSONValue.string(text).compact
  }
}
