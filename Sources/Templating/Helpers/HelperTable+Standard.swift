extension HelperTable {
  /// The helpers that every template has: comparison and logic, text, numbers, lists, dates, healthcare, JSON.
  public static let standard: HelperTable = {
    var table = HelperTable()
    for family in [
      LogicHelpers.all, TextHelpers.all, NumberHelpers.all, ListHelpers.all, DateHelpers.all, HealthcareHelpers.all,
      JSONHelpers.all,
    ] {
      table = table.merging(family)
    }
    return table
  }()
}

extension HelperCall {
  /// The argument at that place as a number; texts that hold a number count too.
  func number(_ index: Int) throws(TemplateError) -> Double {
    if let value = self[index].doubleValue { return value }
    if let text = self[index].stringValue, let value = Double(text) { return value }
    throw error("argument \(index + 1) is \(self[index].kind), but a number is needed")
  }

  /// The argument at that place as a whole number.
  func whole(_ index: Int) throws(TemplateError) -> Int {
    if let exact = self[index].integerValue { return Int(exact) }
    guard let value = Int(exactly: try number(index).rounded(.towardZero)) else {
      throw error("argument \(index + 1) is too large")
    }
    return value
  }

  /// The argument at that place as it would be written.
  func text(_ index: Int) -> String { TemplateText.text(of: self[index]) }

  /// The argument at that place as a list; nothing is an empty list.
  func list(_ index: Int) throws(TemplateError) -> [TemplateValue] {
    switch self[index] {
    case .array(let elements): return elements
    case .undefined, .null: return []
    case .object(let object): return object.map(\.value)
    default: throw error("argument \(index + 1) is \(self[index].kind), but a list is needed")
    }
  }

  /// A text that is made from parts, if it is not longer than the output may be.
  func joined(_ parts: [String], separator: String = "") throws(TemplateError) -> TemplateValue {
    var count = 0
    for part in parts {
      let (sum, overflow) = count.addingReportingOverflow(part.utf8.count + separator.utf8.count)
      guard !overflow, sum <= settings.limits.outputBytes else { throw tooLong }
      count = sum
    }
    return .string(parts.joined(separator: separator))
  }

  /// A text repeated, if the result is not longer than the output may be.
  func repeated(_ text: String, _ times: Int) throws(TemplateError) -> String {
    let (count, overflow) = text.utf8.count.multipliedReportingOverflow(by: max(times, 0))
    guard !overflow, count <= settings.limits.outputBytes else { throw tooLong }
    return String(repeating: text, count: max(times, 0))
  }

  var tooLong: TemplateError {
    TemplateError(.outputExceeded, "\(name): the text is longer than \(settings.limits.outputBytes) bytes")
  }
}
