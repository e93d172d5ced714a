// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "mainstay-benchmarks",
  dependencies: [.package(name: "mainstay", path: "..")],
  targets: [
    .executableTarget(
      name: "MainstayBenchmarks",
      dependencies: [.product(name: "MainstayKernel", package: "mainstay")],
      swiftSettings: [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ])
  ]
)
