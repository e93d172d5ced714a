// swift-tools-version: 6.2
import PackageDescription

// Arrows: mainstay → plugins → capabilities and library targets → kernel. A plugin never imports another plugin;
// scripts/test reads `swift package dump-package` and fails on any other arrow.

let github = "https://github.com/"

let package = Package(
  name: "mainstay",
  products: [
    .executable(name: "mainstay", targets: ["mainstay"]),
    .library(name: "MainstayKernel", targets: ["MainstayKernel"]),
    .library(name: "MainstayHTTP", targets: ["MainstayHTTP"]),
    .library(name: "MainstayTesting", targets: ["MainstayTesting"]),
    .library(name: "MainstayHTTPTesting", targets: ["MainstayHTTPTesting"]),
    .library(name: "MainstayCommandLine", targets: ["MainstayCommandLine"]),
    .library(name: "MainstayEventsCommand", targets: ["MainstayEventsCommand"]),
    .library(name: "MainstayCapabilities", targets: ["MainstayCapabilities"]),
    .library(name: "MainstayDevServers", targets: ["MainstayDevServers"]),
    .library(name: "MainstayInstruments", targets: ["MainstayInstruments"]),
    .library(name: "MainstayResilience", targets: ["MainstayResilience"]),
    .library(name: "MainstayReactor", targets: ["MainstayReactor"]),
    .library(name: "MainstayPostgres", targets: ["MainstayPostgres"]),
    .library(name: "MainstayRedis", targets: ["MainstayRedis"]),
    .library(name: "MainstayPooling", targets: ["MainstayPooling"]),
    .library(name: "MainstayDevServices", targets: ["MainstayDevServices"]),
    .library(name: "MainstayTemplating", targets: ["MainstayTemplating"]),
    .library(name: "MainstayTemplates", targets: ["MainstayTemplates"]),
    .library(name: "MainstayHTTPServer", targets: ["MainstayHTTPServer"]),
    .library(name: "MainstayRetry", targets: ["MainstayRetry"]),
    .library(name: "MainstayValidator", targets: ["MainstayValidator"]),
    .library(name: "MainstayHealth", targets: ["MainstayHealth"]),
    .library(name: "MainstayMetrics", targets: ["MainstayMetrics"]),
    .library(name: "MainstayPool", targets: ["MainstayPool"]),
  ],
  traits: [
    .trait(
      name: "TLS", description: "The HTTP plugin serves HTTPS, and Redis is spoken to through TLS (builds BoringSSL)."),
    .trait(name: "JWT", description: "The HTTP plugin accepts JSON Web Tokens (builds swift-crypto)."),
    .default(enabledTraits: ["TLS", "JWT"]),
  ],
  dependencies: [
    .package(url: github + "apple/swift-argument-parser", from: "1.8.2"),
    .package(url: github + "apple/swift-http-types", from: "1.8.0"),
    .package(url: github + "apple/swift-log", from: "1.16.2"),
    .package(url: github + "apple/swift-metrics", from: "2.13.0"),
    .package(url: github + "apple/swift-nio", from: "2.101.2"),
    .package(url: github + "apple/swift-distributed-tracing", from: "1.7.2"),
    .package(url: github + "apple/swift-nio-extras", from: "1.34.1"),
    .package(url: github + "apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: github + "hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: github + "swift-server/async-http-client", from: "1.37.0"),
    .package(url: github + "vapor/jwt-kit", from: "5.7.1"),
  ],
  targets: [
    // System libraries
    .systemLibrary(
      name: "CLibYAML", path: "Sources/CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CEpoll", path: "Sources/CEpoll"),
    .systemLibrary(name: "CLibPQ", path: "Sources/CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(
      name: "CHiredis", path: "Sources/CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
    .systemLibrary(name: "CMd4c", path: "Sources/CMd4c", pkgConfig: "md4c", providers: [.apt(["libmd4c-dev"])]),
    .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    // Ground floor
    library("MainstayKernel", "Sources/Kernel", ["CLibYAML", log, serviceContext]),
    .target(name: "CThreadSlab", path: "Sources/CThreadSlab"),

    // Contracts and libraries between the kernel and the plugins
    library(
      "MainstayHTTP", "Sources/HTTPCapability",
      ["MainstayKernel", hummingbird, httpTypes, log, nioCore, serviceContext]),
    library("MainstayCapabilities", "Sources/Capabilities", ["MainstayKernel"]),
    library("MainstayReactor", "Sources/Reactor", ["CEpoll"]),
    library("MainstayDevServers", "Sources/DevServers", []),
    library("MainstayInstruments", "Sources/Instruments", ["CThreadSlab", "MainstayKernel"]),
    library("MainstayResilience", "Sources/Resilience", ["MainstayKernel"]),
    library("MainstayPooling", "Sources/Pooling", ["MainstayResilience"]),
    library(
      "MainstayPostgres", "Sources/Postgres",
      ["CLibPQ", "MainstayKernel", "MainstayPooling", "MainstayReactor", "MainstayResilience"]),
    library(
      "MainstayRedis", "Sources/Redis",
      [
        "CHiredis", "MainstayKernel", "MainstayReactor", "MainstayResilience",
        .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["TLS"])),
        .product(name: "NIOEmbedded", package: "swift-nio", condition: .when(traits: ["TLS"])),
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["TLS"])),
      ]),
    library("MainstayTemplating", "Sources/Templating", ["MainstayKernel"]),
    library("MainstayTesting", "Sources/Testing", ["MainstayKernel", log]),
    library(
      "MainstayHTTPTesting", "Sources/HTTPTesting",
      ["MainstayKernel", "MainstayHTTP", hummingbird, httpTypes, log, nioCore]),
    library("MainstayCommandLine", "Sources/CommandLine", ["MainstayKernel", argumentParser, log]),
    library(
      "MainstayEventsCommand", "Sources/EventsCommand",
      ["MainstayCommandLine", "MainstayKernel", argumentParser, asyncHTTPClient, nioCore, nioHTTP1, nioPosix]),

    // Plugins
    library(
      "MainstayPool", "Plugins/Pool",
      [
        "MainstayKernel", "MainstayCapabilities", "MainstayHTTP", "MainstayInstruments", "MainstayPooling",
        "MainstayPostgres", "MainstayReactor", "MainstayRedis", httpTypes, log,
      ], exclude: ["README.md"]),
    library(
      "MainstayDevServices", "Plugins/DevServices",
      ["MainstayCapabilities", "MainstayDevServers", "MainstayKernel", log], exclude: ["README.md"]),
    library(
      "MainstayHTTPServer", "Plugins/HTTP",
      [
        "MainstayKernel", "MainstayHTTP", "MainstayInstruments", hummingbird, hummingbirdCore, httpTypes, log, nioCore,
        nioHTTP1, nioHTTPTypes, nioPosix, serviceContext,
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["TLS"])),
        .product(name: "JWTKit", package: "jwt-kit", condition: .when(traits: ["JWT"])),
      ], exclude: ["README.md"]),
    library(
      "MainstayHealth", "Plugins/Health",
      [
        "MainstayKernel", "MainstayCapabilities", "MainstayHTTP", "MainstayInstruments", "MainstayResilience",
        hummingbird, httpTypes, log,
      ], exclude: ["README.md"]),
    library(
      "MainstayMetrics", "Plugins/Metrics",
      [
        "CZlib", "MainstayKernel", "MainstayHTTP", "MainstayInstruments", hummingbird, httpTypes, coreMetrics, log,
        nioCore,
      ], exclude: ["README.md"]),
    library(
      "MainstayTemplates", "Plugins/Templates",
      [
        "CMd4c", "MainstayCapabilities", "MainstayCommandLine", "MainstayHTTP", "MainstayKernel", "MainstayTemplating",
        argumentParser, hummingbird, httpTypes, log,
      ], exclude: ["README.md"]),

    library(
      "MainstayRetry", "Plugins/Retry",
      [
        "MainstayKernel", "MainstayCapabilities", "MainstayHTTP", "MainstayInstruments", "MainstayResilience",
        asyncHTTPClient, hummingbird, httpTypes, log, nioCore, nioHTTP1, nioPosix, serviceContext,
      ], exclude: ["README.md"]),
    library(
      "MainstayValidator", "Plugins/Validator",
      [
        "MainstayKernel", "MainstayCapabilities", "MainstayHTTP", "MainstayInstruments", "MainstayResilience",
        hummingbird, httpTypes, log,
      ], exclude: ["README.md"]),

    // The stock host: a list of plugins and one call
    .executableTarget(
      name: "mainstay",
      dependencies: [
        "MainstayCommandLine", "MainstayDevServices", "MainstayEventsCommand", "MainstayHTTPServer", "MainstayHealth",
        "MainstayKernel", "MainstayMetrics", "MainstayPool", "MainstayRetry", "MainstayTemplates", "MainstayValidator",
      ],
      path: "Sources/mainstay"),

    // Tests: one target a module
    test("KernelTests", ["MainstayKernel", "MainstayTesting", log, serviceContext]),
    test(
      "HTTPTests",
      [
        "MainstayHTTPServer", "MainstayHTTP", "MainstayKernel", "MainstayTesting", "MainstayHTTPTesting",
        "MainstayHealth", "MainstayEventsCommand", "MainstayCommandLine", hummingbird, httpTypes, asyncHTTPClient, log,
        nioCore, nioHTTP1, nioPosix,
      ], exclude: ["Fixtures"]),
    test("CommandLineTests", ["MainstayCommandLine", "MainstayKernel", "MainstayTesting", argumentParser]),
    test("InstrumentsTests", ["MainstayInstruments", "MainstayKernel", "MainstayReactor", "MainstayTesting"]),
    test(
      "MetricsTests",
      [
        "MainstayMetrics", "MainstayHTTPServer", "MainstayHTTP", "MainstayInstruments", "MainstayKernel",
        "MainstayTesting", coreMetrics, httpTypes, log,
      ]),
    test(
      "RetryTests",
      [
        "MainstayRetry", "MainstayCapabilities", "MainstayHTTP", "MainstayHTTPTesting", "MainstayInstruments",
        "MainstayKernel", "MainstayResilience", "MainstayTesting", httpTypes, nioCore, nioHTTP1, nioPosix,
      ]),
    test(
      "ValidatorTests",
      [
        "MainstayValidator", "MainstayCapabilities", "MainstayDevServers", "MainstayHTTP", "MainstayHTTPTesting",
        "MainstayInstruments", "MainstayKernel", "MainstayResilience", "MainstayTesting", httpTypes, log,
      ]),
    test(
      "HealthTests",
      [
        "MainstayHealth", "MainstayCapabilities", "MainstayHTTP", "MainstayHTTPTesting", "MainstayInstruments",
        "MainstayKernel", "MainstayResilience", "MainstayTesting", hummingbird, httpTypes, log,
      ]),
    test("ResilienceTests", ["MainstayResilience", "MainstayKernel", "MainstayTesting"]),
    test("TestingTests", ["MainstayTesting", "MainstayKernel", log]),
    test("DevServersTests", ["MainstayDevServers", "MainstayTesting", "dev-servers-probe"]),
    test(
      "DevServicesTests",
      ["MainstayCapabilities", "MainstayDevServers", "MainstayDevServices", "MainstayKernel", "MainstayTesting"]),
    .executableTarget(
      name: "dev-servers-probe", dependencies: ["MainstayDevServers"], path: "Tests/DevServersProbe"),
    test(
      "TemplatesTests",
      [
        "MainstayTemplates", "MainstayTemplating", "MainstayCapabilities", "MainstayHTTP", "MainstayHTTPTesting",
        "MainstayKernel", "MainstayTesting", hummingbird, httpTypes,
      ]),
    test("HostTests", ["mainstay", "stuck-host"]),
    .executableTarget(
      name: "stuck-host", dependencies: ["MainstayCommandLine", "MainstayKernel"], path: "Tests/StuckHost"),
    test("ReactorTests", ["MainstayReactor"]),
    test(
      "PoolTests",
      [
        "MainstayPool", "MainstayCapabilities", "MainstayDevServers", "MainstayDevServices", "MainstayHTTP",
        "MainstayHTTPTesting", "MainstayInstruments", "MainstayKernel", "MainstayPooling", "MainstayPostgres",
        "MainstayReactor", "MainstayRedis", "MainstayTesting",
      ]),
    test("PoolingTests", ["MainstayPooling", "MainstayResilience"]),
    test(
      "PostgresTests",
      [
        "MainstayPostgres", "MainstayDevServers", "MainstayKernel", "MainstayPooling", "MainstayReactor",
        "MainstayResilience", "MainstayTesting", "CLibPQ",
      ]),
    test(
      "RedisTests",
      [
        "MainstayRedis", "MainstayDevServers", "MainstayKernel", "MainstayReactor", "MainstayResilience",
        "MainstayTesting",
      ]),
    // Several plugins together, over real sockets and with real servers.
    test(
      "IntegrationTests",
      [
        "MainstayHTTPServer", "MainstayHealth", "MainstayPool", "MainstayCapabilities", "MainstayDevServers",
        "MainstayHTTP", "MainstayKernel", "MainstayPostgres", "MainstayResilience", "MainstayTesting", asyncHTTPClient,
        log, nioCore, nioHTTP1,
      ]),
    test("TemplatingTests", ["MainstayTemplating", "MainstayKernel", "MainstayTesting"], exclude: ["Fixtures"]),
  ]
)

// One line per library target: its module name, its folder, what it may import.
func library(
  _ name: String, _ path: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
  .target(name: name, dependencies: dependencies, path: path, exclude: exclude)
}

func test(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, path: "Tests/" + name, exclude: exclude)
}

var argumentParser: Target.Dependency { .product(name: "ArgumentParser", package: "swift-argument-parser") }
var asyncHTTPClient: Target.Dependency { .product(name: "AsyncHTTPClient", package: "async-http-client") }
var coreMetrics: Target.Dependency { .product(name: "CoreMetrics", package: "swift-metrics") }
var httpTypes: Target.Dependency { .product(name: "HTTPTypes", package: "swift-http-types") }
var hummingbird: Target.Dependency { .product(name: "Hummingbird", package: "hummingbird") }
var hummingbirdCore: Target.Dependency { .product(name: "HummingbirdCore", package: "hummingbird") }
var log: Target.Dependency { .product(name: "Logging", package: "swift-log") }
var nioCore: Target.Dependency { .product(name: "NIOCore", package: "swift-nio") }
var nioPosix: Target.Dependency { .product(name: "NIOPosix", package: "swift-nio") }
var nioHTTP1: Target.Dependency { .product(name: "NIOHTTP1", package: "swift-nio") }
var nioHTTPTypes: Target.Dependency { .product(name: "NIOHTTPTypes", package: "swift-nio-extras") }
var serviceContext: Target.Dependency { .product(name: "Instrumentation", package: "swift-distributed-tracing") }

// On the data path an async function runs where its caller runs: on a reactor, each step between executors would cost the
// runtime a search for the task's preferred one, some 100 ns.
let dataPath: Set = ["MainstayReactor", "MainstayPooling", "MainstayPostgres", "MainstayRedis", "MainstayPool"]

// The same language settings for every Swift target.
for target in package.targets where target.type != .system {
  target.swiftSettings =
    (target.swiftSettings ?? []) + [
      .swiftLanguageMode(.v6),
      .enableUpcomingFeature("ExistentialAny"),
      .enableUpcomingFeature("InternalImportsByDefault"),
      .enableUpcomingFeature("MemberImportVisibility"),
    ]
  if dataPath.contains(target.name) {
    target.swiftSettings?.append(.enableUpcomingFeature("NonisolatedNonsendingByDefault"))
  }
  // Set by scripts/test. Not the rule, so that a newer compiler's warnings break nobody's build.
  if Context.environment["MAINSTAY_STRICT"] != nil {
    target.swiftSettings?.append(.treatAllWarnings(as: .error))
  }
}
