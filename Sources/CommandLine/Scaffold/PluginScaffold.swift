/// The package of a new plugin: what it needs to build, to pass its tests, and to be read in five minutes.
struct PluginScaffold {
  let name: PluginName
  let source: MainstaySource
  /// Whether the plugin contributes a route.
  let hasRoute: Bool

  var files: [ScaffoldFile] {
    [
      ScaffoldFile(path: "Package.swift", text: package),
      ScaffoldFile(path: "Sources/\(name.module)/\(name.module).swift", text: plugin),
      ScaffoldFile(path: "Tests/\(name.module)Tests/\(name.module)Tests.swift", text: tests),
      ScaffoldFile(path: "README.md", text: readme),
      ScaffoldFile(path: ".gitignore", text: ".build/\n.swiftpm/\nPackage.resolved\n"),
    ]
  }

  private var package: String {
    """
    // swift-tools-version: 6.2
    import PackageDescription

    let package = Package(
      name: "\(name.package)",
      products: [
        .library(name: "\(name.module)", targets: ["\(name.module)"])
      ],
      dependencies: [
        \(source.dependency(withDefaultTraits: false))
      ],
      targets: [
        .target(
          name: "\(name.module)",
          dependencies: [
            \(products(hasRoute ? ["MainstayHTTP", "MainstayKernel"] : ["MainstayKernel"]))
          ]),
        .testTarget(
          name: "\(name.module)Tests",
          dependencies: [
            "\(name.module)",
            \(products((hasRoute ? ["MainstayHTTPTesting"] : []) + ["MainstayKernel", "MainstayTesting"]))
          ]),
      ]
    )

    """
  }

  /// One a line; the last of several has a comma, too, as swift-format wants it.
  private func products(_ names: [String]) -> String {
    names.map(source.product).joined(separator: ",\n        ") + (names.count > 1 ? "," : "")
  }

  private var plugin: String {
    """
    \(hasRoute ? "public import MainstayHTTP\n" : "")public import MainstayKernel

    /// What may stand under `\(name.plugin):` in `host.yaml`.
    public struct \(name.base)Configuration: PluginConfiguration {
      @Field("What each tick says.", minLength: 1) var message = "\(name.topic) is alive"
      @Field("Time between two ticks.", range: .milliseconds(10)...) var interval: Duration = .seconds(30)

      /// The defaults.
      public init() {}
    }

    /// The plugin has ticked.
    public struct \(name.base)Ticked: Event {
      /// `\(name.plugin).ticked`
      public static let topic: Topic = "\(name.plugin).ticked"
      /// How often it has ticked since it started.
      public let count: Int
      /// The configured message.
      public let message: String
    }

    /// Publishes a message at a fixed interval.
    public struct \(name.module): Plugin {
      /// What the kernel knows of the plugin before it starts.
      public static let manifest = PluginManifest(
        name: "\(name.plugin)", version: "0.1.0", summary: "Publishes a message at a fixed interval.",
        \(hasRoute ? "contributes: [.point(.httpRoutes)], " : "")events: [\(name.base)Ticked.self])

      private let configuration: \(name.base)Configuration
      private let context: PluginContext

      /// Acquires what the plugin needs. When it returns, the plugin is ready.
      public init(configuration: \(name.base)Configuration, context: PluginContext) async throws {
        self.configuration = configuration
        self.context = context
    \(hasRoute ? "    try context.contribute(Self.routes(configuration))\n" : "")\
        context.bus.observe(HostReady.self) { event in
          context.logger.debug("the host was ready after \\(event.duration)")
        }
      }
    \(routes)
      /// Works until the kernel cancels its task.
      public func run() async throws {
        var count = 0
        while true {
          try await context.clock.sleep(for: configuration.interval)
          count += 1
          context.bus.publish(\(name.base)Ticked(count: count, message: configuration.message))
        }
      }
    }

    """
  }

  private var routes: String {
    guard hasRoute else { return "" }
    return """

        /// What the plugin answers over HTTP.
        public static func routes(_ configuration: \(name.base)Configuration) -> Routes {
          [
            .get("\(path)", "The message of the plugin.", access: .open) { _, _ in
              .text(configuration.message)
            }
          ]
        }

      """
  }

  private var path: String { "/" + name.plugin.split(separator: "_").joined(separator: "-") }

  private var tests: String {
    """
    \(testImports.sorted().map { "import \($0)" }.joined(separator: "\n"))

    @Suite struct \(name.module)Tests {
      @Test func ticksAtItsInterval() async throws {
        let clock = ManualClock()
        let manifest = "plugins: { \(name.plugin): { message: hi, interval: 30s } }"
        try await withHost([\(name.module).self], manifest: manifest, clock: clock) { host in
          let recorder = EventRecorder(host.events, "\(name.plugin).*")
          await clock.waitForSleeper(due: .seconds(30))
          clock.advance(by: .seconds(30))
          let ticked = try await recorder.next(\(name.base)Ticked.self)
          #expect(ticked.count == 1)
          #expect(ticked.message == "hi")
        }
      }
    \(routeTest)
      @Test func keepsTheContractOfPlugins() async throws {
        try await PluginConformance.check(\(name.module).self, manifest: "interval: 10ms")
      }
    }

    """
  }

  private var testImports: [String] {
    [name.module, "MainstayKernel", "MainstayTesting", "Testing"] + (hasRoute ? ["MainstayHTTPTesting"] : [])
  }

  private var routeTest: String {
    guard hasRoute else { return "" }
    return """

        @Test func answersWithItsMessage() async throws {
          let routes = try TestRoutes(\(name.module).routes(\(name.base)Configuration()))
          let response = await routes.get("\(path)")
          #expect(response.text == "\(name.topic) is alive")
        }

      """
  }

  private var readme: String {
    """
    # \(name.package)

    A plugin for [Mainstay](\(source.link)) hosts: publishes a message at a fixed interval.

    ```yaml
    plugins:
      \(name.plugin):
        message: \(name.topic) is alive
        interval: 30s
    ```

    | key | default | meaning |
    | --- | --- | --- |
    | `message` | `\(name.topic) is alive` | What each tick says. |
    | `interval` | `30s` | Time between two ticks, at least 10ms. |

    It publishes `\(name.plugin).ticked` (`\(name.base)Ticked`)\(hasRoute ? " and answers `GET \(path)`" : "").

    ## Work on it

    ```
    swift test
    ```

    ## Use it

    Add the package and the product `\(name.module)` to your host's `Package.swift`, `\(name.module).self` to its list of
    plugins, and a section `\(name.plugin):` to its `host.yaml`. `mainstay new host` makes a host if you have none.

    """
  }
}

extension MainstaySource {
  /// Where a reader of a new package finds Mainstay.
  var link: String {
    switch self {
    case .path(let path): path
    case .url(let url, _): url
    }
  }
}
