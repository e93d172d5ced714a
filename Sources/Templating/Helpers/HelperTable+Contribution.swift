public import MainstayKernel

extension ContributionPoint where Value == HelperTable {
  /// Helpers that plugins add to the templates of the host.
  public static var templateHelpers: Self { Self("template_helpers") }
}
