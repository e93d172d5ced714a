// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "hello-plugin",
  products: [
    .library(name: "HelloPlugin", targets: ["HelloPlugin"])
  ],
  dependencies: [
    // In a package of your own: .package(url: "…/mainstay", from: "0.1.0", traits: [])
    .package(name: "mainstay", path: "../..", traits: [])
  ],
  targets: [
    .target(
      name: "HelloPlugin",
      dependencies: [
        .product(name: "MainstayHTTP", package: "mainstay"),
        .product(name: "MainstayKernel", package: "mainstay"),
      ]),
    .testTarget(
      name: "HelloPluginTests",
      dependencies: [
        "HelloPlugin",
        .product(name: "MainstayHTTPTesting", package: "mainstay"),
        .product(name: "MainstayKernel", package: "mainstay"),
        .product(name: "MainstayTesting", package: "mainstay"),
      ]),
  ]
)
