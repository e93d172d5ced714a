import MainstayInstruments
public import MainstayKernel

/// A metric that is recorded by name: its kind, and which keys of a context become labels.
public struct MetricDefinition: PluginConfiguration, Encodable {
  /// What is measured.
  public enum Kind: String, Sendable, CaseIterable, ConfigValue, Codable {
    /// Only grows.
    case counter
    /// Goes up and down by what is recorded. Exported as a gauge.
    case upDown = "up_down"
    /// Is set.
    case gauge
    /// Is observed, into buckets.
    case histogram
    /// Is observed in seconds, into buckets.
    case timer
    /// Is observed, and told as quantiles over the last minutes.
    case summary
  }

  /// The name.
  @Field("The name: letters, digits and '_'. A counter's is exported with _total.", minLength: 1)
  public var name = ""

  /// The kind.
  @Field(
    "counter (adds up), up_down (goes up and down), gauge (is set), histogram, timer (in seconds), summary (quantiles)."
  )
  public var type = Kind.counter

  /// What it measures.
  @Field("What it measures, in a sentence.")
  public var help = ""

  /// The keys of a context that become labels.
  @Field("Keys of a record's context that become labels; all others are left out.", example: "[facility, status]")
  public var labels: [String] = []

  /// Bounds of a histogram.
  @Field("Upper bounds of a histogram's or timer's buckets; none: 5 ms to 10 s.", example: "[60, 300, 900]")
  public var buckets: [Double] = []

  /// The defaults.
  public init() {}

  init(_ name: String, _ type: Kind, _ help: String, _ labels: [String] = [], buckets: [Double] = []) {
    self.init()
    self.name = name
    self.type = type
    self.help = help
    self.labels = labels
    self.buckets = buckets
  }

  private enum CodingKeys: CodingKey { case name, type, help, labels, buckets }

  /// Writes the definition as JSON.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(type, forKey: .type)
    try container.encode(help, forKey: .help)
    try container.encode(labels, forKey: .labels)
    if type == .histogram || type == .timer { try container.encode(buckets, forKey: .buckets) }
  }

  /// What every host knows.
  static let standard = [
    MetricDefinition(
      "patient_appointments", .upDown, "Appointments recorded since the host began, less those taken back.",
      ["facility", "department", "status"]),
    MetricDefinition(
      "appointment_wait_time", .histogram, "Seconds from the agreed time to being seen.", ["facility", "department"],
      buckets: [60, 300, 600, 900, 1_800, 3_600, 7_200]),
    MetricDefinition("user_signups", .counter, "Accounts opened.", ["source"]),
    MetricDefinition("revenue", .counter, "Money earned, in the currency's unit.", ["currency", "category"]),
    MetricDefinition("invoice_status", .counter, "Invoices that reached a status.", ["status"]),
  ]
}
