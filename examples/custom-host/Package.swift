// swift-tools-version: 6.2
import PackageDescription

// Only the products listed here are compiled. `traits: []` leaves out TLS and JSON Web Tokens, too.
let package = Package(
  name: "custom-host",
  dependencies: [
    .package(name: "mainstay", path: "../..", traits: []),
    .package(path: "../hello-plugin"),
  ],
  targets: [
    .executableTarget(
      name: "custom-host",
      dependencies: [
        .product(name: "HelloPlugin", package: "hello-plugin"),
        .product(name: "MainstayCommandLine", package: "mainstay"),
        .product(name: "MainstayHTTPServer", package: "mainstay"),
        .product(name: "MainstayHealth", package: "mainstay"),
        .product(name: "MainstayKernel", package: "mainstay"),
      ])
  ]
)
