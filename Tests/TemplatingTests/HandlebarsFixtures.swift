import MainstayKernel
import MainstayTemplating
import Synchronization

/// The data and the helpers of one case, with Swift functions in the place of those of JavaScript.
struct HandlebarsFixtures {
  private(set) var data = TemplateValue.undefined
  private(set) var helpers = HelperTable()

  /// Nil if the case needs a function that is not here.
  init?(_ test: JSONValue) {
    guard let data = Self.value(test["data"] ?? .null) else { return nil }
    self.data = data
    let known = test["compileOptions"]?["knownHelpers"]?.objectValue?.keys
    let onlyKnown = test["compileOptions"]?["knownHelpersOnly"]?.boolValue ?? false
    for (name, code) in test["helpers"]?.objectValue ?? [:] {
      if onlyKnown, let known, !known.contains(name) { continue }
      // PHP has no length of texts; here they have one.
      if name == "length" { continue }
      guard let text = code["javascript"]?.stringValue, let body = Self.body(text) else { return nil }
      helpers[name] = Helper(body)
    }
  }

  private static func value(_ json: JSONValue) -> TemplateValue? {
    switch json {
    case .object(let object):
      if object["!code"] != nil {
        guard let text = object["javascript"]?.stringValue, let body = body(text) else { return nil }
        return .lambda(TemplateLambda(body))
      }
      var members: [(String, TemplateValue)] = []
      for (key, member) in object {
        guard let value = value(member) else { return nil }
        members.append((key, value))
      }
      return .object(TemplateObject(members))
    case .array(let elements):
      var values: [TemplateValue] = []
      for element in elements {
        guard let value = value(element) else { return nil }
        values.append(value)
      }
      return .array(values)
    default: return TemplateValue(json)
    }
  }

  private static func body(_ javascript: String) -> Helper.Body? {
    let code = javascript.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    if code.contains("global.value++") {
      let counter = FixtureCounter()
      return { call in
        let parameters = call.blockParameterCount == 1 ? [counter.next(), counter.next()] : []
        return .string(try call.body(["value": "bar"], parameters: parameters))
      }
    }
    return bodies[code]
  }

  private static func text(_ value: TemplateValue) -> String {
    switch value {
    case .string(let text), .markup(let text), .json(let text): text
    case .integer(let number): String(number)
    case .number(let number): "\(number)"
    case .bool(let value): String(value)
    default: ""
    }
  }

  private static func number(_ value: TemplateValue) -> String { value.doubleValue == nil ? "NaN" : text(value) }
  private static func truth(_ value: TemplateValue) -> String { if case .bool = value { text(value) } else { "NaB" } }
  private static func shout(_ value: TemplateValue) -> String { text(value).uppercased() }

  private static func repeated(_ call: borrowing HelperCall, _ context: TemplateValue?) throws -> TemplateValue {
    var text = ""
    for bye in ["Goodbye", "goodbye", "GOODBYE"] { text += bye + " " + (try call.body(context)) + "! " }
    return .string(text)
  }

  private static func list(_ call: borrowing HelperCall) throws -> TemplateValue {
    guard let elements = call[0].arrayValue, !elements.isEmpty else {
      return .string("<p>" + (try call.inverse()) + "</p>")
    }
    var text = "<ul>"
    for element in elements { text += "<li>" + (try call.body(element)) + "</li>" }
    return .string(text + "</ul>")
  }

  private static func printing(_ call: borrowing HelperCall, _ body: String) -> TemplateValue {
    switch call.hash["print"] {
    case .bool(true): .string("GOODBYE " + text(call.hash["cruel"]) + " " + body)
    case .bool(false): "NOT PRINTING"
    default: "THIS SHOULD NOT HAPPEN"
    }
  }

  private static let bodies: [String: Helper.Body] = {
    var table: [String: Helper.Body] = [:]
    // A function that must not be called.
    table[""] = { (_: borrowing HelperCall) throws -> TemplateValue in "called" }
    table[
      "function (_undefined, _null, options) { return (_undefined === undefined) + ' ' + (_null === null) + ' ' + (typeof options); }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      guard case .undefined = call[0], case .null = call[1] else { return "false" }
      return "true true object"
    }
    table["function () { return 'undefined!'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "undefined!"
    }
    table["function () { return 'null!'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "null!"
    }
    table["function () { return new Handlebars.SafeString('&\\'\\\\<>'); }"] = {
      (_: borrowing HelperCall) throws -> TemplateValue in
      return .markup("&'\\<>")
    }
    table["function () { return 'Awesome'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "Awesome"
    }
    table["function () { return this.more; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return call.context["more"]
    }
    table["function (context) { return context; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return call[0]
    }
    table["function (context, options) { return options.fn(context); }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string(try call.body(call[0]))
    }
    table["function (options) { return options.fn(this); }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return .string(try call.body())
    }
    table["function () { return this; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return call.context
    }
    table["function (value) { return 'bar ' + value; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("bar " + text(call[0]))
    }
    table["function (value) { return value; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return call[0]
    }
    table["function (arg) { return 'bar' + arg; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("bar" + text(call[0]))
    }
    table["function () { return 'bar'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "bar"
    }
    table["function (arg) { return arg; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return call[0]
    }
    table["function () { return true; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return true
    }
    table["function () {return this.world; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return call.context["world"]
    }
    table["function () { return false; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return false
    }
    table["function () {return this.foo; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return call.context["foo"]
    }
    table["function () { return {first: 'Alan', last: 'Johnson'}; }"] = {
      (_: borrowing HelperCall) throws -> TemplateValue in
      return ["first": "Alan", "last": "Johnson"]
    }
    table["function(options) { return options.data && options.data.exclaim; }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return call.data("exclaim")
    }
    table["function () { return [{text: 'goodbye'}, {text: 'Goodbye'}, {text: 'GOODBYE'}]; }"] = {
      (_: borrowing HelperCall) throws -> TemplateValue in
      return [["text": "goodbye"], ["text": "Goodbye"], ["text": "GOODBYE"]]
    }
    table["function (prefix) { return '<a href=\"' + prefix + '/' + this.url + '\">' + this.text + '</a>'; }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("<a href=\"\(text(call[0]))/\(text(call.context["url"]))\">\(text(call.context["text"]))</a>")
    }
    table["function (options) { return options.fn(); }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return .string(try call.body())
    }
    table["function (a, b, c, options) { return options.fn() + a + b + c; }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string(try call.body() + text(call[0]) + text(call[1]) + text(call[2]))
    }
    table[
      "function (options) { var out = ''; var byes = ['Goodbye', 'goodbye', 'GOODBYE']; for (var i = 0, j = byes.length; i < j; i++) { out += byes[i] + ' ' + options.fn(this) + '! '; } return out; }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return try repeated(call, nil)
    }
    table[
      "function (options) { var out = ''; var byes = ['Goodbye', 'goodbye', 'GOODBYE']; for (var i = 0, j = byes.length; i < j; i++) { out += byes[i] + ' ' + options.fn({}) + '! '; } return out; }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return try repeated(call, [:])
    }
    table[
      "function (prefix, options) { return '<a href=\"' + prefix + '/' + this.url + '\">' + options.fn(this) + '</a>'; }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("<a href=\"\(text(call[0]))/\(text(call.context["url"]))\">" + (try call.body()) + "</a>")
    }
    table["function () {}"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return .undefined
    }
    table["function (options) { return options.fn({text: 'GOODBYE'}); }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string(try call.body(["text": "GOODBYE"]))
    }
    table["function (options) { return '<form>' + options.fn(this) + '</form>'; }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("<form>" + (try call.body()) + "</form>")
    }
    table["function link(options) { return '<a href=\"/people/' + this.id + '\">' + options.fn(this) + '</a>'; }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("<a href=\"/people/\(text(call.context["id"]))\">" + (try call.body()) + "</a>")
    }
    table["function (context, options) { return '<form>' + options.fn(context) + '</form>'; }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("<form>" + (try call.body(call[0])) + "</form>")
    }
    table["function (options) { return '<a href=\"' + this.name + '\">' + options.fn(this) + '</a>'; }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("<a href=\"\(text(call.context["name"]))\">" + (try call.body()) + "</a>")
    }
    table[
      "function list(context, options) { if (context.length > 0) { var out = '<ul>'; for (var i = 0, j = context.length; i < j; i++) { out += '<li>'; out += options.fn(context[i]); out += '</li>'; } out += '</ul>'; return out; } else { return '<p>' + options.inverse(this) + '</p>'; } }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return try list(call)
    }
    table["function () { return 'winning'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "winning"
    }
    table["function () { return 'fail'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "fail"
    }
    table["function () { return 'world'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "world"
    }
    table["function () { return 'helpers'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "helpers"
    }
    table["function () { return 'helper'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "helper"
    }
    table["function () { return 'found it!'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "found it!"
    }
    table["function () { return 'world!'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "world!"
    }
    table[
      "function (times, times2) { if (typeof times !== 'number') { times = 'NaN'; } if (typeof times2 !== 'number') { times2 = 'NaN'; } return 'Hello ' + times + ' ' + times2 + ' times'; }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("Hello \(number(call[0])) \(number(call[1])) times")
    }
    table[
      "function (times) { if (typeof times !== 'number') { times = 'NaN'; } return 'Hello ' + times + ' times'; }"] = {
        (call: borrowing HelperCall) throws -> TemplateValue in
        return .string("Hello \(number(call[0])) times")
      }
    table[
      "function (param, times, bool1, bool2) { if (typeof times !== 'number') { times = 'NaN'; } if (typeof bool1 !== 'boolean') { bool1 = 'NaB'; } if (typeof bool2 !== 'boolean') { bool2 = 'NaB'; } return 'Hello ' + param + ' ' + times + ' times: ' + bool1 + ' ' + bool2; }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("Hello \(text(call[0])) \(number(call[1])) times: \(truth(call[2])) \(truth(call[3]))")
    }
    table["function (param) { return 'Hello ' + param; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("Hello " + text(call[0]))
    }
    table["function (cruel, world) { return 'Goodbye ' + cruel + ' ' + world; }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("Goodbye \(text(call[0])) \(text(call[1]))")
    }
    table["function (cruel, world, options) { return options.fn({greeting: 'Goodbye', adj: cruel, noun: world}); }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string(try call.body(["greeting": "Goodbye", "adj": call[0], "noun": call[1]]))
    }
    table[
      "function (options) { return 'GOODBYE ' + options.hash.cruel + ' ' + options.hash.world + ' ' + options.hash.times + ' TIMES'; }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return .string(
        "GOODBYE \(text(call.hash["cruel"])) \(text(call.hash["world"])) \(text(call.hash["times"])) TIMES")
    }
    table[
      "function goodbye(options) { if (options.hash.print === true) { return 'GOODBYE ' + options.hash.cruel + ' ' + options.hash.world; } else if (options.hash.print === false) { return 'NOT PRINTING'; } else { return 'THIS SHOULD NOT HAPPEN'; } }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return printing(call, text(call.hash["world"]))
    }
    table[
      "function (options) { return 'GOODBYE ' + options.hash.cruel + ' ' + options.fn(this) + ' ' + options.hash.times + ' TIMES'; }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("GOODBYE \(text(call.hash["cruel"])) " + (try call.body()) + " \(text(call.hash["times"])) TIMES")
    }
    table[
      "function goodbye(options) { if (options.hash.print === true) { return 'GOODBYE ' + options.hash.cruel + ' ' + options.fn(this); } else if (options.hash.print === false) { return 'NOT PRINTING'; } else { return 'THIS SHOULD NOT HAPPEN'; } }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return printing(call, try call.body())
    }
    table[
      "function (mesg, options) { if (options.name === 'link_to') { return new Handlebars.SafeString('<a>' + mesg + '</a>'); } }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return call.name == "link_to" ? .markup("<a>" + text(call[0]) + "</a>") : .undefined
    }
    table[
      "function (options) { if (options.name === 'link_to') { return new Handlebars.SafeString('<a>winning</a>'); } }"] =
      { (call: borrowing HelperCall) throws -> TemplateValue in
        return call.name == "link_to" ? .markup("<a>winning</a>") : .undefined
      }
    table["function () { return 'foo'; }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return "foo"
    }
    table["function (arg) { return typeof arg; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      if case .undefined = call[0] { "undefined" } else { .string(call[0].kind) }
    }
    table["function () { return this.bar; }"] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return call.context["bar"]
    }
    table["function () { return this.truthiness(); }"] = { (_: borrowing HelperCall) throws -> TemplateValue in
      return false
    }
    table["function () { return 'missing: ' + arguments[arguments.length - 1].name; }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("missing: " + call.name)
    }
    table["function () { return 'helper missing: ' + arguments[arguments.length - 1].name; }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("helper missing: " + call.name)
    }
    table["function () { return 'ran: ' + arguments[arguments.length - 1].name; }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("ran: " + call.name)
    }
    table["function () { return this.goodbye.toUpperCase(); }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string(shout(call.context["goodbye"]))
    }
    table["function (world) { return 'cruel ' + world.toUpperCase(); }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string("cruel " + shout(call[0]))
    }
    table["function (options) { return this.goodbye.toUpperCase() + options.fn(this); }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string(shout(call.context["goodbye"]) + (try call.body()))
    }
    table[
      "function (options) { equals(options.fn.blockParams, 1); return options.fn({value: 'bar'}, {blockParams: [1, 2]}); }"
    ] = { (call: borrowing HelperCall) throws -> TemplateValue in
      return .string(try call.body(["value": "bar"], parameters: [1, 2]))
    }
    table["function (options) { equals(options.fn.blockParams, 1); return options.fn({}, {blockParams: [1, 2]}); }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return .string(try call.body([:], parameters: [1, 2]))
    }
    table["function (options) { equals(options.fn.blockParams, 1); return options.fn(this, {blockParams: [1, 2]}); }"] =
      { (call: borrowing HelperCall) throws -> TemplateValue in
        return .string(try call.body(parameters: [1, 2]))
      }
    table["function testHelper(options) { return options.lookupProperty(this, 'testProperty'); }"] = {
      (call: borrowing HelperCall) throws -> TemplateValue in
      return call.context["testProperty"]
    }
    return table
  }()
}

private final class FixtureCounter: Sendable {
  private let value = Mutex<Int64>(1)
  func next() -> TemplateValue {
    .integer(
      value.withLock {
        $0 += 1
        return $0 - 1
      })
  }
}
