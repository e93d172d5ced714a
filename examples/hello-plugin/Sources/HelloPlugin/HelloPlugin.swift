public import MainstayHTTP
public import MainstayKernel

/// What may stand under `hello:` in `host.yaml`.
public struct HelloConfiguration: PluginConfiguration {
  @Field("Who is greeted.", environment: "HELLO_NAME", minLength: 1) var name = "world"
  @Field("Time between two greetings.", range: .milliseconds(10)...) var interval: Duration = .seconds(10)

  /// The defaults.
  public init() {}
}

/// Somebody was greeted.
public struct HelloSaid: Event {
  /// `hello.said`
  public static let topic: Topic = "hello.said"
  /// Who.
  public let name: String
}

/// Greets somebody on a timer, and whoever asks for it over HTTP.
public struct HelloPlugin: Plugin {
  /// What the kernel knows of the plugin before it starts.
  public static let manifest = PluginManifest(
    name: "hello", version: "1.0.0", summary: "Greets on a timer and over HTTP.",
    contributes: [.point(.httpRoutes)], events: [HelloSaid.self])

  private let configuration: HelloConfiguration
  private let context: PluginContext

  /// Acquires what the plugin needs. When it returns, the plugin is ready.
  public init(configuration: HelloConfiguration, context: PluginContext) async throws {
    self.configuration = configuration
    self.context = context
    try context.contribute(Self.routes(configuration, context.bus))
  }

  /// What the plugin answers over HTTP.
  public static func routes(_ configuration: HelloConfiguration, _ bus: EventBus) -> Routes {
    [
      .get("/hello", "Greets somebody.", access: .open) { request, _ in
        let name = request.uri.queryParameters.get("name") ?? configuration.name
        bus.publish(HelloSaid(name: name))
        return try .json(["greeting": "Hello, \(name)!"])
      }
      .query("name", "Who is greeted; without it, the configured name.")
      .responds(.ok, .object(["greeting": .string]))
    ]
  }

  /// Works until the kernel cancels its task.
  public func run() async throws {
    while true {
      try await context.clock.sleep(for: configuration.interval)
      context.logger.info("Hello, \(configuration.name)!")
      context.bus.publish(HelloSaid(name: configuration.name))
    }
  }
}
