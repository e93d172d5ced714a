/// `patientAge`, `formatMedicalId`, `phone`, `redact`.
enum HealthcareHelpers {
  static let all: HelperTable = {
    var table = HelperTable()
    table["patientAge"] = Helper(arguments: 1...1) { call in try age(call) }
    table["formatMedicalId"] = Helper(arguments: 1...1) { call in
      .string(medicalID(call.text(0), isMasked: call.hash["mask"].isTruthy))
    }
    table["phone"] = Helper(arguments: 1...1) { call in .string(phone(call.text(0))) }
    table["redact"] = Helper(arguments: 1...1) { call in
      let keep = max(Int(call.hash["keep"].integerValue ?? 0), 0)
      let text = call.text(0)
      return .string(try call.repeated("•", max(text.count - keep, 0)) + text.suffix(min(keep, text.count)))
    }
    return table
  }()

  /// `patientAge birthDate [at=date] [unit="auto"]`: completed years as a number. With `unit="auto"` the text that a
  /// clinic writes: days up to four weeks, weeks up to three months, months up to two years, then years.
  private static func age(_ call: borrowing HelperCall) throws -> TemplateValue {
    if call[0].isNothing { return "" }
    guard let birth = DateInput(call[0]) else { throw call.error("the date of birth is not a date; write YYYY-MM-DD") }
    let today = try DateHelpers.moment(call.hash["at"], call)
    let zone = try DateHelpers.zone(call)
    let (from, to) = (birth.civil(in: zone).date, today.civil(in: zone).date)
    guard from <= to else { throw call.error("the date of birth lies in the future") }
    let months = from.months(until: to)
    guard call.hash["unit"].stringValue == "auto" else { return .integer(Int64(months / 12)) }
    let days = to.dayNumber - from.dayNumber
    if days < 28 { return .string(counted(days, "day")) }
    if months < 3 { return .string(counted(days / 7, "week")) }
    return .string(months < 24 ? counted(months, "month") : counted(months / 12, "year"))
  }

  private static func counted(_ count: Int, _ unit: String) -> String { "\(count) \(unit)\(count == 1 ? "" : "s")" }

  /// Nine letters or digits as XXX-XX-XXXX; masked, only the last four show. Anything else stays as it is, or is masked
  /// whole.
  static func medicalID(_ text: String, isMasked: Bool) -> String {
    let characters = text.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
    guard characters.count == 9 else { return isMasked ? String(repeating: "*", count: text.count) : text }
    let last = characters.suffix(4)
    if isMasked { return "***-**-\(last)" }
    return "\(characters.prefix(3))-\(characters.dropFirst(3).prefix(2))-\(last)"
  }

  /// Ten digits, with or without +1, as (XXX) XXX-XXXX; other numbers stay as they are.
  static func phone(_ text: String) -> String {
    var digits = text.filter { $0.isASCII && $0.isNumber }
    if digits.count == 11 && digits.first == "1" { digits.removeFirst() }
    guard digits.count == 10, !text.hasPrefix("+") || text.hasPrefix("+1") else { return text }
    return "(\(digits.prefix(3))) \(digits.dropFirst(3).prefix(3))-\(digits.suffix(4))"
  }
}
