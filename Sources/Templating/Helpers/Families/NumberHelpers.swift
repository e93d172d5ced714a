/// Arithmetic, rounding, and numbers as people write them.
enum NumberHelpers {
  static let all: HelperTable = {
    var table = HelperTable()
    table["add"] = fold {
      $0.addingReportingOverflow($1)
    } otherwise: {
      $0 + $1
    }
    table["subtract"] = fold {
      $0.subtractingReportingOverflow($1)
    } otherwise: {
      $0 - $1
    }
    table["multiply"] = fold {
      $0.multipliedReportingOverflow(by: $1)
    } otherwise: {
      $0 * $1
    }
    table["divide"] = Helper(arguments: 2...2) { call in
      let divisor = try call.number(1)
      guard divisor != 0 else { throw call.error("division by zero") }
      return value(try call.number(0) / divisor)
    }
    table["remainder"] = Helper(arguments: 2...2) { call in
      let divisor = try call.number(1)
      guard divisor != 0 else { throw call.error("division by zero") }
      return value(try call.number(0).truncatingRemainder(dividingBy: divisor))
    }
    table["round"] = rounding(.toNearestOrAwayFromZero)
    table["floor"] = rounding(.down)
    table["ceil"] = rounding(.up)
    table["abs"] = Helper(arguments: 1...1) { call in value(abs(try call.number(0))) }
    table["min"] = extreme { $0 < $1 }
    table["max"] = extreme { $0 > $1 }
    table["formatNumber"] = Helper(arguments: 1...1) { call in
      if call[0].isNothing { return "" }
      let decimals = try decimals(call)
      let locale = try LocaleText.find(call)
      guard let text = DecimalText(call[0]) else { throw call.error("\(call[0].kind) is not a number") }
      return .string(text.rounded(to: decimals ?? text.fraction.count).formatted(locale))
    }
    table["percent"] = Helper(arguments: 1...1) { call in
      if call[0].isNothing { return "" }
      let locale = try LocaleText.find(call)
      guard let text = DecimalText(.number(try call.number(0) * 100)) else { throw call.error("not a finite number") }
      return .string(text.rounded(to: try decimals(call) ?? 0).formatted(locale) + locale.percent)
    }
    table["formatCurrency"] = Helper(arguments: 1...2) { call in try currency(call) }
    return table
  }()

  static func value(_ number: Double) -> TemplateValue {
    if let whole = Int64(exactly: number), whole.magnitude < 1 << 53 { return .integer(whole) }
    return .number(number)
  }

  private static func fold(
    _ whole: @escaping @Sendable (Int64, Int64) -> (partialValue: Int64, overflow: Bool),
    otherwise: @escaping @Sendable (Double, Double) -> Double
  ) -> Helper {
    Helper(arguments: 2...Int.max) { call in
      var result = value(try call.number(0))
      if let exact = call[0].integerValue { result = .integer(exact) }
      for index in 1..<call.arguments.count {
        if let left = result.integerValue, let right = call[index].integerValue {
          let (sum, overflow) = whole(left, right)
          if !overflow {
            result = .integer(sum)
            continue
          }
        }
        result = value(otherwise(result.doubleValue ?? 0, try call.number(index)))
      }
      return result
    }
  }

  private static func rounding(_ rule: FloatingPointRoundingRule) -> Helper {
    Helper(arguments: 1...2) { call in
      let digits = call.arguments.count > 1 ? try call.whole(1) : 0
      guard (0...12).contains(digits) else { throw call.error("0 to 12 digits can be kept") }
      var scale = 1.0
      for _ in 0..<digits { scale *= 10 }
      return value((try call.number(0) * scale).rounded(rule) / scale)
    }
  }

  private static func extreme(_ isBetter: @escaping @Sendable (Double, Double) -> Bool) -> Helper {
    Helper(arguments: 1...Int.max) { call in
      var best = try call.number(0)
      for index in call.arguments.indices.dropFirst() {
        let candidate = try call.number(index)
        if isBetter(candidate, best) { best = candidate }
      }
      return value(best)
    }
  }

  private static func decimals(_ call: borrowing HelperCall) throws(TemplateError) -> Int? {
    let value = call.hash["decimals"]
    if value.isNothing { return nil }
    guard let count = value.integerValue, (0...20).contains(count) else { throw call.error("decimals is 0 to 20") }
    return Int(count)
  }

  /// `formatCurrency amount ["USD"] [locale=…] [cents=true]`: amounts are decimal, never rounded through binary fractions
  /// that the data did not have.
  private static func currency(_ call: borrowing HelperCall) throws -> TemplateValue {
    if call[0].isNothing { return "" }
    guard var amount = DecimalText(call[0]) else { throw call.error("\(call[0].kind) is not an amount") }
    let code = (call.arguments.count > 1 ? call.text(1) : call.hash["currency"].stringValue ?? "USD").uppercased()
    guard code.utf8.count == 3, code.utf8.allSatisfy(\.isLetter) else {
      throw call.error("a currency is named by three letters (ISO 4217)")
    }
    let digits = LocaleText.currencyDigits(code)
    if call.hash["cents"].isTruthy { amount = amount.shifted(by: digits) }
    let locale = try LocaleText.find(call)
    return .string(locale.money(amount.rounded(to: digits), code))
  }
}
