extension MarkdownPage {
  /// What a page of Markdown looks like.
  enum Style {
    /// For screen and print.
    case document
    /// Of what mail programs know; the rules are written into the elements afterwards.
    case mail

    var rules: String {
      switch self {
      case .document: Self.documentRules
      case .mail: Self.mailRules
      }
    }

    private static let documentRules = """
      @page { size: A4; margin: 2cm; @bottom-right { content: counter(page) " / " counter(pages); font: 9pt sans-serif;
        color: #5b6770 } }
      body { font: 11pt/1.5 "DejaVu Sans", "Liberation Sans", Arial, sans-serif; color: #1a1a1a; max-width: 46em;
        margin: 0 auto; padding: 0 1em }
      h1, h2, h3, h4 { line-height: 1.25; break-after: avoid }
      h1 { font-size: 1.7em } h2 { font-size: 1.3em } h3 { font-size: 1.1em }
      table { border-collapse: collapse; width: 100%; margin: 1em 0; break-inside: auto }
      th, td { border-bottom: 1px solid #d0d5da; padding: .35em .6em; text-align: left; vertical-align: top }
      th { border-bottom: 2px solid #6b7680 }
      tr, li, pre, blockquote { break-inside: avoid }
      blockquote { margin: 1em 0; padding-left: 1em; border-left: 3px solid #d0d5da; color: #454c53 }
      code, pre { font-family: "DejaVu Sans Mono", monospace; font-size: .9em; background: #f3f5f7 }
      pre { padding: .7em 1em; white-space: pre-wrap } code { padding: .1em .25em }
      a { color: #0b57a4 } hr { border: 0; border-top: 1px solid #d0d5da } img { max-width: 100% }
      """

    private static let mailRules = """
      body { font-family: Arial, sans-serif; font-size: 16px; line-height: 1.5; color: #1a1a1a; max-width: 600px;
        margin: 0 auto; padding: 16px }
      h1 { font-size: 22px; line-height: 1.25 } h2 { font-size: 19px; line-height: 1.25 }
      h3 { font-size: 17px; line-height: 1.25 }
      table { border-collapse: collapse; width: 100% }
      th { border-bottom: 2px solid #6b7680; padding: 6px 10px; text-align: left; vertical-align: top }
      td { border-bottom: 1px solid #d0d5da; padding: 6px 10px; vertical-align: top }
      blockquote { margin: 16px 0; padding-left: 14px; border-left: 3px solid #d0d5da; color: #454c53 }
      pre { background: #f3f5f7; padding: 10px 14px; white-space: pre-wrap } code { font-family: monospace }
      a { color: #0b57a4 } hr { border: 0; border-top: 1px solid #d0d5da } img { max-width: 100% }
      """
  }
}
