import MainstayTemplating
import MainstayTesting
import Testing

/// What the helpers give, in plain text.
@Suite struct HelperTests {
  private func text(_ source: String, _ data: TemplateValue = [:], now: Duration? = nil) throws -> String {
    let clock = now.map { ManualClock(timeSinceEpoch: $0) }
    let options = TemplateOptions(output: .text)
    return try Template(source, options: options).render(data, settings: RenderSettings(clock: clock))
  }

  @Test(arguments: [
    ("{{patientAge '2000-02-29' at='2026-02-28'}}", "25"), ("{{patientAge '2000-02-29' at='2026-03-01'}}", "26"),
    ("{{patientAge '2026-03-01' at='2026-03-20' unit='auto'}}", "19 days"),
    ("{{patientAge '2026-01-01' at='2026-03-20' unit='auto'}}", "11 weeks"),
    ("{{patientAge '2025-02-01' at='2026-03-20' unit='auto'}}", "13 months"),
    ("{{patientAge '1950-02-01' at='2026-03-20' unit='auto'}}", "76 years"),
    ("{{formatMedicalId '123456789'}}", "123-45-6789"), ("{{formatMedicalId '123-45-6789'}}", "123-45-6789"),
    ("{{formatMedicalId 123456789}}", "123-45-6789"), ("{{formatMedicalId '123456789' mask=true}}", "***-**-6789"),
    ("{{formatMedicalId 'A12'}}", "A12"), ("{{formatMedicalId 'A12' mask=true}}", "***"),
    ("{{phone '5551234567'}}", "(555) 123-4567"), ("{{phone '+49 30 1234'}}", "+49 30 1234"),
    ("{{redact 'secret' keep=2}}", "••••et"),
    ("{{formatDate '2026-03-05'}}", "03/05/2026"),
    ("{{formatDate '2026-03-05' 'D MMMM YYYY' locale='de'}}", "5 März 2026"),
    ("{{formatDate '2026-03-05' 'dddd [the] D MMM YY'}}", "Thursday the 5 Mar 26"),
    ("{{formatDate '2026-07-01T12:00:00Z' 'YYYY-MM-DD HH:mm z' timeZone='America/New_York'}}", "2026-07-01 08:00 EDT"),
    ("{{formatDate '2026-12-01T03:04:05Z' 'M/D h:mm:ss A Z' timeZone='America/New_York'}}", "11/30 10:04:05 PM -05:00"),
    ("{{formatDate '2090-07-01T12:00:00Z' 'HH:mm' timeZone='Europe/Berlin'}}", "14:00"),
    ("{{formatDate '2026-03-05T23:30:00+02:00' 'YYYY-MM-DDTHH:mm'}}", "2026-03-05T21:30"),
    ("{{formatDate 0 'YYYY-MM-DD HH:mm:ss'}}", "1970-01-01 00:00:00"),
    ("{{formatDate 1767225600000 'YYYY-MM-DD'}}", "2026-01-01"),
    ("{{formatDate -1 'YYYY HH:mm:ss.SSS'}}", "1969 23:59:59.000"),
    ("{{addDays '2026-12-31' 1}}", "2027-01-01"), ("{{daysBetween '2026-01-01' '2027-01-01'}}", "365"),
    ("{{formatCurrency 1234.5}}", "$1,234.50"), ("{{formatCurrency '0.125'}}", "$0.13"),
    ("{{formatCurrency 1.005}}", "$1.01"),
    ("{{formatCurrency -12 'EUR' locale='de-DE'}}", "-12,00\u{A0}€"),
    ("{{formatCurrency 123456 'USD' cents=true}}", "$1,234.56"),
    ("{{formatCurrency 1234567.891 'JPY'}}", "¥1,234,568"),
    ("{{formatCurrency 5 'CHF' locale='de-CH'}}", "CHF\u{A0}5.00"),
    ("{{formatCurrency 99999999999999999999}}", "$100,000,000,000,000,000,000.00"),
    ("{{formatCurrency -0.001}}", "$0.00"),
    ("{{formatNumber 1234567.891 decimals=1}}", "1,234,567.9"), ("{{percent 0.256 decimals=1}}", "25.6%"),
    ("{{eq 1 1.0}}{{eq 'a' 'a'}}{{eq 1 '1'}}{{ne 1 2}}", "truetruefalsetrue"),
    ("{{lt 1 2}}{{lte 2 2}}{{gt 'b' 'a'}}{{gte 1 2}}", "truetruetruefalse"),
    ("{{and 1 0 2}}{{or 0 '' 'x'}}{{not ''}}{{choose true 'y' 'n'}}", "0xtruey"),
    ("{{#eq 1 1}}same{{else}}other{{/eq}}", "same"), ("{{#if (and (gt 3 2) (not false))}}yes{{/if}}", "yes"),
    ("{{add 1 2 3}} {{subtract 5 7}} {{multiply 1.5 2}} {{divide 7 2}} {{remainder 7 2}}", "6 -2 3 3.5 1"),
    (
      "{{round 2.5}} {{round 1.235 2}} {{floor -1.5}} {{ceil 1.2}} {{abs -3}} {{min 3 1 2}} {{max 3 1 2}}",
      "3 1.24 -2 2 3 1 3"
    ),
    ("{{uppercase 'ä'}} {{lowercase 'ÄB'}} {{capitalize 'abc def'}} {{titlecase 'abc def'}}", "Ä äb Abc def Abc Def"),
    (
      "{{trim '  a '}}|{{truncate 'abcdef' 4}}|{{truncate 'abc' 4}}|{{padStart 7 3 '0'}}|{{padEnd 'a' 3}}|",
      "a|abc…|abc|007|a  |"
    ),
    (
      "{{replace 'a-b-c' '-' '+'}} {{join (split 'a,b' ',') '/'}} {{initials 'Ada King Lovelace'}} {{slug 'Été: Größe 3!'}}",
      "a+b+c a/b AKL t-gr-e-3"
    ),
    (
      "{{contains 'abc' 'bc'}}{{contains (list 1 2) 2}}{{startsWith 'abc' 'ab'}}{{endsWith 'abc' 'ab'}}",
      "truetruetruefalse"
    ),
    ("{{first (list 1 2 3)}} {{join (last (list 1 2 3) 2)}} {{count (list 1 2)}} {{count 'abc'}}", "1 2, 3 2 3"),
    (
      "{{join (sort (list 3 1 2))}} {{join (sort (list 'b' 'a') descending=true)}} {{join (unique (list 1 1 2))}}",
      "1, 2, 3 b, a 1, 2"
    ),
    ("{{sum (list 0.1 0.2)}} {{join (reverse (range 1 3))}} {{join (skip (list 1 2 3) 1)}}", "0.3 3, 2, 1 2, 3"),
    (
      "{{#each (groupBy (list (object k='a' v=1) (object k='b' v=2) (object k='a' v=3)) 'k')}}{{@key}}{{join (pluck this 'v') ''}} {{/each}}",
      "a13 b2 "
    ),
    (
      "{{default missing 'none'}} {{join (keys (object a=1 b=2))}} {{count (where (list (object a=1) (object a=2)) 'a' 2)}}",
      "none a, b 1"
    ),
    ("{{urlEncode 'a b&c'}}", "a%20b%26c"),
  ])
  func gives(_ source: String, _ expected: String) throws {
    #expect(try text(source) == expected)
  }

  @Test func theClockIsAParameter() throws {
    let now = Duration.seconds(1_772_668_800)  // 2026-03-05T00:00:00Z
    #expect(try text("{{now 'YYYY-MM-DD'}} {{patientAge '1990-03-05'}}", now: now) == "2026-03-05 36")
    #expect(throws: TemplateError.self) { try text("{{patientAge '1990-03-05'}}") }
  }

  @Test func namesOfHelpersAreFreeForData() throws {
    let template = try Template("{{count}} {{phone}} {{#list}}{{this}}{{/list}} {{count list}}")
    #expect(try template.render(["count": 2, "phone": "p", "list": [1, 2, 3]]) == "2 p 123 3")
  }

  @Test func lineBreaksAreMarkup() throws {
    #expect(try Template("{{lineBreaks x}}").render(["x": "a<\r\nb"]) == "a&lt;<br>\nb")
  }

  @Test(arguments: [
    "{{eq 1}}", "{{formatDate 1 2 3}}", "{{#each}}{{/each}}", "{{unknown 1}}", "{{#if (equals 1 2)}}{{/if}}",
    "{{formatDat x}}",
  ])
  func wrongCallsAreFoundWhenCompiling(_ source: String) {
    #expect(throws: TemplateError.self) { try Template(source) }
  }

  @Test func suggestsTheHelperThatWasMeant() {
    let error = #expect(throws: TemplateError.self) { try Template("a\n b {{formatdat x}}") }
    #expect(error?.code == .unknownHelper)
    #expect(
      error?.description
        == "template:2:6: there is no helper 'formatdat'; did you mean 'formatDate'?\n2 |  b {{formatdat x}}\n  |      ^"
    )
  }

  @Test func hostsAddTheirOwn() throws {
    var options = TemplateOptions(missing: .lenient)
    options.helpers["bold"] = Helper(arguments: 1...1) { call in .markup("<b>\(call[0].stringValue ?? "")</b>") }
    options.helpers["twice"] = Helper { call in
      try call.writeBody(["n": 1], data: [("round", 1)])
      try call.writeBody(["n": 2], parameters: ["p"], data: [("round", 2)])
      return .undefined
    }
    let template = try Template("{{bold x}}{{#twice as |q|}}{{n}}{{@round}}{{../x}}{{q}} {{/twice}}", options: options)
    #expect(try template.render(["x": "y"]) == "<b>y</b>11y 22yp ")
  }
}
