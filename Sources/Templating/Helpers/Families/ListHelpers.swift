/// Lists and objects.
enum ListHelpers {
  private static let longestRange = 10_000

  static let all: HelperTable = {
    var table = HelperTable()
    table["first"] = part { list, count in count.map { .array(Array(list.prefix($0))) } ?? list.first ?? .undefined }
    table["last"] = part { list, count in count.map { .array(Array(list.suffix($0))) } ?? list.last ?? .undefined }
    table["count"] = Helper(arguments: 1...1) { call in
      if let text = call[0].stringValue { return .integer(Int64(text.count)) }
      return .integer(Int64(try call.list(0).count))
    }
    table["reverse"] = Helper(arguments: 1...1) { call in .array(try call.list(0).reversed()) }
    table["skip"] = Helper(arguments: 2...2) { call in
      .array(Array(try call.list(0).dropFirst(max(try call.whole(1), 0))))
    }
    table["join"] = Helper(arguments: 1...2) { call in
      let separator = call.arguments.count > 1 ? call.text(1) : ", "
      return try call.joined(try call.list(0).map { TemplateText.text(of: $0) }, separator: separator)
    }
    table["contains"] = Helper(arguments: 2...2) { call in
      if let text = call[0].stringValue {
        let search = call.text(1)
        return .bool(search.isEmpty || TextHelpers.parts(of: text, search).count > 1)
      }
      let wanted = call[1]
      return .bool(try call.list(0).contains { LogicHelpers.equal($0, wanted) })
    }
    table["pluck"] = Helper(arguments: 2...2) { call in
      let name = call.text(1)
      return .array(try call.list(0).map { Renderer.element(of: $0, name) })
    }
    table["where"] = Helper(arguments: 3...3) { call in
      let name = call.text(1)
      let wanted = call[2]
      return .array(try call.list(0).filter { LogicHelpers.equal(Renderer.element(of: $0, name), wanted) })
    }
    table["sort"] = Helper(arguments: 1...2) { call in try sorted(call) }
    table["unique"] = Helper(arguments: 1...1) { call in
      let list = try call.list(0)
      guard list.count <= longestRange else { throw call.error("lists of up to \(longestRange) can be searched") }
      var seen: Set<String> = []
      return .array(list.filter { seen.insert("\($0.kind) \(TemplateText.text(of: $0))").inserted })
    }
    table["groupBy"] = Helper(arguments: 2...2) { call in
      let name = call.text(1)
      var order: [String] = []
      var groups: [String: [TemplateValue]] = [:]
      for element in try call.list(0) {
        let key = TemplateText.text(of: Renderer.element(of: element, name))
        if groups[key] == nil { order.append(key) }
        groups[key, default: []].append(element)
      }
      return .object(TemplateObject(order.map { ($0, .array(groups[$0] ?? [])) }))
    }
    table["sum"] = Helper(arguments: 1...2) { call in
      let name = call.arguments.count > 1 ? call.text(1) : nil
      var total = DecimalText.zero
      for element in try call.list(0) {
        let value = name.map { Renderer.element(of: element, $0) } ?? element
        guard let number = DecimalText(value) else {
          throw call.error("the list holds \(value.kind), not only numbers")
        }
        total = total + number
      }
      return NumberHelpers.value(Double(total.text) ?? 0)
    }
    table["range"] = Helper(arguments: 2...2) { call in
      let (from, to) = (try call.whole(0), try call.whole(1))
      guard from <= to else { return .array([]) }
      let (count, overflow) = to.subtractingReportingOverflow(from)
      guard !overflow, count < longestRange else { throw call.error("a range has \(longestRange) numbers at most") }
      return .array((from...to).map { .integer(Int64($0)) })
    }
    table["keys"] = Helper(arguments: 1...1) { call in .array(call[0].objectValue?.keys.map { .string($0) } ?? []) }
    table["values"] = Helper(arguments: 1...1) { call in .array(call[0].objectValue?.map(\.value) ?? []) }
    table["list"] = Helper(arguments: 1...Int.max) { call in .array(call.arguments) }
    table["object"] = Helper(arguments: 0...0) { call in .object(call.hash.object) }
    return table
  }()

  private static func part(_ take: @escaping @Sendable ([TemplateValue], Int?) -> TemplateValue) -> Helper {
    Helper(arguments: 1...2) { call in
      let count = call.arguments.count > 1 ? max(try call.whole(1), 0) : nil
      return take(try call.list(0), count)
    }
  }

  /// `sort list ["member"] [descending=true]`; what cannot be compared keeps its order.
  private static func sorted(_ call: borrowing HelperCall) throws -> TemplateValue {
    let name = call.arguments.count > 1 ? call.text(1) : nil
    let sign = call.hash["descending"].isTruthy ? -1 : 1
    let keyed = try call.list(0).enumerated().map { place, element in
      (place: place, key: name.map { Renderer.element(of: element, $0) } ?? element, element: element)
    }
    let ranked = keyed.sorted { left, right in
      let order = sign * rank(left.key, right.key)
      return order == 0 ? left.place < right.place : order < 0
    }
    return .array(ranked.map(\.element))
  }

  /// Numbers before texts before everything else, so that the order is one even over mixed lists.
  private static func rank(_ left: TemplateValue, _ right: TemplateValue) -> Int {
    let (one, other) = (group(left), group(right))
    if one != other { return one < other ? -1 : 1 }
    return LogicHelpers.order(left, right) ?? 0
  }

  private static func group(_ value: TemplateValue) -> Int {
    if let number = value.doubleValue { return number.isNaN ? 2 : 0 }
    return value.stringValue == nil ? 2 : 1
  }
}
