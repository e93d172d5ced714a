public import MainstayKernel

extension ContributionPoint where Value == MetricsRegistry {
  /// Registries whose series the metrics plugin exports.
  ///
  /// A plugin makes its instruments in a registry of its own and contributes it: recording costs nanoseconds whether or not
  /// anybody collects, and what a plugin exports disappears when it stops.
  public static var metrics: Self { Self("metrics") }
}
