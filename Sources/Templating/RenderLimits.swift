public import MainstayKernel

/// What one rendering may use.
public struct RenderLimits: Sendable {
  /// How deep partials, inline partials and block helpers may nest.
  public var depth = 100
  /// The longest output, in bytes; also the longest text that a helper may make.
  public var outputBytes = 16 << 20
  /// How many steps may be taken: one for each piece of text, value, block, iteration and call.
  public var fuel = 5_000_000
  /// When it must be done, on `RenderSettings.clock`.
  public var deadline: ContinuousClock.Instant?

  /// Depth 100, 16 MiB, five million steps, no deadline.
  public init() {}
}

/// What a rendering knows of the world around it.
public struct RenderSettings: Sendable {
  /// What it may use.
  public var limits: RenderLimits
  /// The clock of the deadline and of helpers that ask for the present time. Without one there is no deadline, and
  /// such helpers need the time as an argument.
  public var clock: (any HostClock)?
  /// The time zone of helpers that write dates, as an IANA name.
  public var timeZone = "UTC"
  /// The language of helpers that write dates, numbers and amounts, as a BCP 47 tag.
  public var locale = "en-US"
  /// Values that templates find under `@name`.
  public var variables: [(String, TemplateValue)] = []
  /// What `{{log …}}` writes; nil drops it.
  public var log: (@Sendable (String) -> Void)?

  /// Settings with these limits and this clock.
  public init(limits: RenderLimits = RenderLimits(), clock: (any HostClock)? = nil) {
    self.limits = limits
    self.clock = clock
  }
}
