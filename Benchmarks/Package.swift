// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "mainstay-benchmarks",
  dependencies: [
    .package(name: "mainstay", path: ".."),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/stencilproject/Stencil", from: "0.15.1"),
  ],
  targets: [
    .executableTarget(
      name: "MainstayBenchmarks",
      dependencies: [.product(name: "MainstayKernel", package: "mainstay")], swiftSettings: settings),
    .executableTarget(
      name: "KernelBenchmarks",
      dependencies: [.product(name: "MainstayKernel", package: "mainstay")], swiftSettings: settings),
    .executableTarget(
      name: "DataBenchmarks",
      dependencies: [
        .product(name: "MainstayPooling", package: "mainstay"), .product(name: "MainstayPostgres", package: "mainstay"),
        .product(name: "MainstayReactor", package: "mainstay"), .product(name: "MainstayRedis", package: "mainstay"),
      ], swiftSettings: settings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]),
    .executableTarget(
      name: "MetricsBenchmarks",
      dependencies: [.product(name: "MainstayInstruments", package: "mainstay")], swiftSettings: settings),
    .executableTarget(
      name: "ResilienceBenchmarks",
      dependencies: [
        .product(name: "MainstayKernel", package: "mainstay"),
        .product(name: "MainstayResilience", package: "mainstay"),
      ], swiftSettings: settings),
    .executableTarget(
      name: "TemplateBenchmarks",
      dependencies: [.product(name: "MainstayTemplating", package: "mainstay")], swiftSettings: settings),
    // Other template engines in Swift.
    .executableTarget(
      name: "TemplatePeers",
      dependencies: [
        .product(name: "Mustache", package: "swift-mustache"), .product(name: "Stencil", package: "Stencil"),
      ], swiftSettings: settings),
    // The peer of `/health`.
    .executableTarget(
      name: "BareHummingbird",
      dependencies: [
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: settings),
  ]
)
