/// How a language writes numbers, amounts, months and weekdays. After CLDR (https://cldr.unicode.org).
struct LocaleText: Sendable {
  let point: String
  let group: String
  let percent: String
  /// Whether the currency follows the amount.
  let currencyFollows: Bool
  let months: [String]
  let shortMonths: [String]
  let weekdays: [String]
  let shortWeekdays: [String]

  /// The locale of the call or of the rendering; a region that is not known falls back to its language.
  static func find(_ call: borrowing HelperCall) throws(TemplateError) -> LocaleText {
    let name = call.hash["locale"].stringValue ?? call.settings.locale
    let tag = name.split(whereSeparator: { $0 == "_" || $0 == "-" }).joined(separator: "-")
    if let locale = known[tag] ?? tag.split(separator: "-").first.flatMap({ known[String($0)] }) { return locale }
    throw call.error("this locale is not known; there are \(known.keys.sorted().joined(separator: ", "))")
  }

  private static let symbols = [
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CHF": "CHF", "CAD": "CA$", "AUD": "A$", "MXN": "MX$", "BRL": "R$",
    "INR": "₹", "CNY": "CN¥", "KRW": "₩", "ILS": "₪",
  ]

  /// Digits after the point (ISO 4217).
  static func currencyDigits(_ code: String) -> Int {
    switch code {
    case "JPY", "KRW", "VND", "CLP", "ISK", "PYG", "UGX", "XAF", "XOF", "XPF": 0
    case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": 3
    default: 2
    }
  }

  func money(_ amount: DecimalText, _ code: String) -> String {
    var positive = amount
    positive.isNegative = false
    let symbol = Self.symbols[code] ?? code
    let sign = amount.isNegative ? "-" : ""
    let digits = positive.formatted(self)
    if currencyFollows { return "\(sign)\(digits)\u{A0}\(symbol)" }
    let isWord = symbol.last?.isLetter ?? true
    return "\(sign)\(symbol)\(isWord ? "\u{A0}" : "")\(digits)"
  }

  private init(
    _ point: String, _ group: String, percent: String = "\u{A0}%", follows: Bool = true, _ months: String,
    _ shortMonths: String, _ weekdays: String, _ shortWeekdays: String
  ) {
    self.point = point
    self.group = group
    self.percent = percent
    currencyFollows = follows
    self.months = months.split(separator: " ").map(String.init)
    self.shortMonths = shortMonths.split(separator: " ").map(String.init)
    self.weekdays = weekdays.split(separator: " ").map(String.init)
    self.shortWeekdays = shortWeekdays.split(separator: " ").map(String.init)
  }

  private init(_ other: LocaleText, point: String, group: String, follows: Bool) {
    self.point = point
    self.group = group
    percent = other.percent
    currencyFollows = follows
    months = other.months
    shortMonths = other.shortMonths
    weekdays = other.weekdays
    shortWeekdays = other.shortWeekdays
  }

  private static let known: [String: LocaleText] = [
    "en": english, "de": german, "fr": french, "es": spanish, "it": italian, "pt": portuguese, "nl": dutch,
    "de-CH": LocaleText(german, point: ".", group: "’", follows: false),
    "fr-CH": LocaleText(french, point: ",", group: "\u{202F}", follows: true),
    "es-MX": LocaleText(spanish, point: ".", group: ",", follows: false),
    "es-US": LocaleText(spanish, point: ".", group: ",", follows: false),
    "pt-PT": LocaleText(portuguese, point: ",", group: "\u{A0}", follows: true),
  ]

  private static let english = LocaleText(
    ".", ",", percent: "%", follows: false,
    "January February March April May June July August September October November December",
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "Sunday Monday Tuesday Wednesday Thursday Friday Saturday", "Sun Mon Tue Wed Thu Fri Sat")
  private static let german = LocaleText(
    ",", ".",
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
    "Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag", "So Mo Di Mi Do Fr Sa")
  private static let french = LocaleText(
    ",", "\u{202F}",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "dimanche lundi mardi mercredi jeudi vendredi samedi", "dim. lun. mar. mer. jeu. ven. sam.")
  private static let spanish = LocaleText(
    ",", ".",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "ene feb mar abr may jun jul ago sept oct nov dic",
    "domingo lunes martes miércoles jueves viernes sábado", "dom lun mar mié jue vie sáb")
  private static let italian = LocaleText(
    ",", ".", percent: "%",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "gen feb mar apr mag giu lug ago set ott nov dic",
    "domenica lunedì martedì mercoledì giovedì venerdì sabato", "dom lun mar mer gio ven sab")
  private static let portuguese = LocaleText(
    ",", ".", percent: "%", follows: false,
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
    "domingo segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado",
    "dom. seg. ter. qua. qui. sex. sáb.")
  private static let dutch = LocaleText(
    ",", ".", percent: "%", follows: false,
    "januari februari maart april mei juni juli augustus september oktober november december",
    "jan feb mrt apr mei jun jul aug sep okt nov dec",
    "zondag maandag dinsdag woensdag donderdag vrijdag zaterdag", "zo ma di wo do vr za")
}
