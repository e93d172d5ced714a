/// Dates and times. Their zone and language are `timeZone=` and `locale=` of the call, or those of the rendering.
enum DateHelpers {
  static let all: HelperTable = {
    var table = HelperTable()
    table["formatDate"] = Helper(arguments: 1...2) { call in
      if call[0].isNothing { return "" }
      guard let date = DateInput(call[0]) else {
        throw call.error("\(call[0].kind) is not a date; write YYYY-MM-DD or seconds")
      }
      let pattern = call.arguments.count > 1 ? call.text(1) : "MM/DD/YYYY"
      let civil = date.civil(in: try zone(call))
      return .string(try DatePattern(pattern).text(of: civil, in: try LocaleText.find(call), call))
    }
    table["now"] = Helper(arguments: 0...1) { call in
      let civil = try moment(.undefined, call).civil(in: try zone(call))
      let pattern = call.arguments.isEmpty ? "YYYY-MM-DDTHH:mm:ssZ" : call.text(0)
      return .string(try DatePattern(pattern).text(of: civil, in: try LocaleText.find(call), call))
    }
    table["addDays"] = Helper(arguments: 2...2) { call in
      guard let date = DateInput(call[0]) else { throw call.error("\(call[0].kind) is not a date") }
      let day = date.civil(in: try zone(call)).date.dayNumber
      let (sum, overflow) = day.addingReportingOverflow(try call.whole(1))
      guard !overflow, let result = CivilDate(dayNumber: sum) else { throw call.error("the date is out of range") }
      return .string(result.text)
    }
    table["daysBetween"] = Helper(arguments: 2...2) { call in
      guard let from = DateInput(call[0]), let to = DateInput(call[1]) else { throw call.error("two dates are needed") }
      let zone = try zone(call)
      return .integer(Int64(to.civil(in: zone).date.dayNumber - from.civil(in: zone).date.dayNumber))
    }
    return table
  }()

  static func zone(_ call: borrowing HelperCall) throws(TemplateError) -> TimeZoneFile {
    let name = call.hash["timeZone"].stringValue ?? call.settings.timeZone
    guard let zone = TimeZoneFile.named(name) else {
      throw call.error(
        "the time zone is not known; name one of IANA's, such as America/New_York, and have tzdata installed")
    }
    return zone
  }

  /// A date that was passed, or the present time.
  static func moment(_ value: TemplateValue, _ call: borrowing HelperCall) throws(TemplateError) -> DateInput {
    if !value.isNothing {
      guard let date = DateInput(value) else { throw call.error("\(value.kind) is not a date; write YYYY-MM-DD") }
      return date
    }
    guard let now = call.timeSinceEpoch else {
      throw call.error("the present time is not known here; pass at=")
    }
    return DateInput(secondsSinceEpoch: now.components.seconds)
  }
}
