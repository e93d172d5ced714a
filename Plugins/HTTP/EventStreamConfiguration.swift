public import MainstayKernel

/// The stream of events at `/events`: `events:` of the HTTP server.
public struct EventStreamConfiguration: PluginConfiguration {
  /// Whether there is such a path.
  @Field("Serve the bus's events at /events, to whoever has the role viewer.")
  public var enabled = true

  /// How many streams may be open.
  @Field("Streams open at the same time; one more is refused with 503.", range: 1...10_000)
  public var maxStreams = 100

  /// How many streams one caller may have.
  @Field("Streams that one caller may have open; one more is refused with 429.", range: 1...10_000)
  public var maxStreamsPerCaller = 10

  /// How many events may wait for a slow client.
  @Field("Events that wait for a slow client; then the oldest is dropped and the client told.", range: 1...65_536)
  public var buffer = 1024

  /// How often something is sent when nothing happens.
  @Field(
    "A comment is sent so often, lest something on the way close the connection.",
    range: .seconds(1)...Duration.seconds(300))
  public var heartbeat: Duration = .seconds(15)

  /// When a client shall come back.
  @Field(
    "After this time a client that lost its connection shall come back.",
    range: .milliseconds(100)...Duration.seconds(300))
  public var retry: Duration = .seconds(3)

  /// The defaults.
  public init() {}
}
