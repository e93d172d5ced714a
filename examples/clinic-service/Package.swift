// swift-tools-version: 6.2
import PackageDescription

// A backend of its own: one plugin, and a host that links it beside the stock ones it needs.
let package = Package(
  name: "clinic-service",
  dependencies: [
    // In a package of your own: .package(url: "…/mainstay", from: "0.1.0", traits: [])
    .package(name: "mainstay", path: "../..", traits: [])
  ],
  targets: [
    .target(
      name: "Appointments",
      dependencies: [
        .product(name: "MainstayHTTP", package: "mainstay"),
        .product(name: "MainstayKernel", package: "mainstay"),
        .product(name: "MainstayPostgres", package: "mainstay"),
        .product(name: "MainstayRedis", package: "mainstay"),
      ]),
    .executableTarget(
      name: "clinic-service",
      dependencies: [
        "Appointments",
        .product(name: "MainstayCommandLine", package: "mainstay"),
        .product(name: "MainstayDevServices", package: "mainstay"),
        .product(name: "MainstayHTTPServer", package: "mainstay"),
        .product(name: "MainstayHealth", package: "mainstay"),
        .product(name: "MainstayKernel", package: "mainstay"),
        .product(name: "MainstayPool", package: "mainstay"),
      ]),
    .testTarget(
      name: "AppointmentsTests",
      dependencies: [
        "Appointments",
        .product(name: "MainstayDevServices", package: "mainstay"),
        .product(name: "MainstayHTTPTesting", package: "mainstay"),
        .product(name: "MainstayKernel", package: "mainstay"),
        .product(name: "MainstayPool", package: "mainstay"),
        .product(name: "MainstayTesting", package: "mainstay"),
      ]),
  ]
)
