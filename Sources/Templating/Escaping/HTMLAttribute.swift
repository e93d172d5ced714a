/// What the value of an attribute means.
enum HTMLAttribute {
  enum Kind { case plain, url, script, style, unsupported }

  private static let urls: Set<String> = [
    "action", "archive", "background", "cite", "classid", "codebase", "data", "dynsrc", "formaction", "href", "icon",
    "longdesc", "lowsrc", "manifest", "ping", "poster", "profile", "src", "usemap", "xlink:href", "xml:base",
  ]
  /// Several URLs, HTML, or what a browser acts on in ways that escaping does not touch.
  private static let unsupported: Set<String> = ["srcset", "imagesrcset", "srcdoc", "http-equiv"]

  static func kind(_ attribute: [UInt8], of element: [UInt8]) -> Kind {
    var name = String(decoding: attribute, as: UTF8.self)
    if name.hasPrefix("on") { return .script }
    let isData = name.hasPrefix("data-")
    if name == "value", element == Array("param".utf8) { return .url }
    if isData { name.removeFirst(5) }
    if unsupported.contains(name) { return .unsupported }
    if name == "style" && !isData { return .style }
    if urls.contains(name) { return .url }
    if name.hasSuffix(":href") || name.hasSuffix(":src") { return .url }
    if isData && (name.contains("src") || name.contains("url") || name.contains("uri")) { return .url }
    // Animations of SVG write other attributes.
    if ["set", "animate"].contains(String(decoding: element, as: UTF8.self)),
      ["to", "from", "by", "values"].contains(name)
    {
      return .unsupported
    }
    return .plain
  }

  /// Elements whose URLs name what is run, shown as a page of its own, or taken as the style or the base of this one.
  private static let loaders: Set<String> = [
    "applet", "base", "embed", "frame", "iframe", "link", "object", "param", "portal", "script",
  ]

  /// Whether what the URL names is run, or changes the whole page.
  static func loadsCode(_ attribute: [UInt8], of element: [UInt8]) -> Bool {
    loaders.contains(String(decoding: element, as: UTF8.self))
  }
}
