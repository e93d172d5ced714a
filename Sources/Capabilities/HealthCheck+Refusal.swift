extension HealthCheck {
  /// Why no collector takes this check; nil if it is well declared. A collector says so when it is contributed.
  public var refusal: String? {
    if name.isEmpty { return "it has no name" }
    // Names become keys of `application/health+json`, where a colon separates the component from the measurement.
    if name.contains(where: { $0 == ":" || $0 == "." }) { return "its name '\(name)' contains ':' or '.'" }
    if subject == .dependency, groups.contains(.liveness) {
      return "it looks at a dependency and counts for liveness: restarting this process does not heal another; "
        + "let it count for readiness"
    }
    if let timeout, timeout <= .zero { return "its timeout is not above zero" }
    return nil
  }
}
