public import MainstayKernel

/// How the host tells its state.
public struct HealthConfiguration: PluginConfiguration {
  /// Who may ask for the state in short.
  @Field("Who may ask /health: open, authenticated, or the name of a role.", minLength: 1)
  public var access = "open"

  /// Who may ask for the state in full.
  @Field(
    "Who may ask /health/comprehensive and /health/report: open, authenticated, or the name of a role.", minLength: 1)
  public var detailAccess = "viewer"

  /// How long an answer is kept.
  @Field("How long an answer is given again; a change of state ends that at once.", range: .zero...Duration.seconds(10))
  public var cache: Duration = .seconds(1)

  /// The defaults.
  public init() {}
}
