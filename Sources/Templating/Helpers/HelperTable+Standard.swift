extension HelperTable {
  /// The helpers that every template has.
  public static let standard = HelperTable()
}
