/// What templates allow of the URLs that data brings.
public enum TemplateURL {
  /// Whether a URL has no scheme, or one that only names a place: `http`, `https`, `mailto`, `tel`, `sms`, `cid`.
  public static func isSafe(_ url: String) -> Bool { Escaper.isSafe(url) }
}
