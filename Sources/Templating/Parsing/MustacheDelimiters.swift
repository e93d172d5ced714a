/// What begins and ends a tag of Mustache.
struct MustacheDelimiters: Sendable, Equatable {
  var open: [UInt8]
  var close: [UInt8]

  static let standard = MustacheDelimiters(open: Array("{{".utf8), close: Array("}}".utf8))
}
