/// The package of a new host: a program that links the chosen plugins, and its manifest.
struct HostScaffold {
  let name: HostName
  let source: MainstaySource
  let plugins: [StockPlugin]
  /// Whether TLS and JSON Web Tokens are built in.
  let hasDefaultTraits: Bool

  var files: [ScaffoldFile] {
    [
      ScaffoldFile(path: "Package.swift", text: package),
      ScaffoldFile(path: "Sources/\(name.text)/main.swift", text: program),
      ScaffoldFile(path: "host.yaml", text: manifest),
      ScaffoldFile(path: "README.md", text: readme),
      ScaffoldFile(path: ".gitignore", text: ".build/\n.swiftpm/\n"),
    ]
  }

  private var package: String {
    let products = ["MainstayCommandLine", "MainstayKernel"] + plugins.map(\.product)
    return """
      // swift-tools-version: 6.2
      import PackageDescription

      // Only the products listed here are compiled.
      let package = Package(
        name: "\(name.text)",
        dependencies: [
          \(source.dependency(withDefaultTraits: hasDefaultTraits))
        ],
        targets: [
          .executableTarget(
            name: "\(name.text)",
            dependencies: [
              \(products.map(source.product).joined(separator: ",\n        ")),
            ])
        ]
      )

      """
  }

  private var program: String {
    let modules = ["MainstayCommandLine", "MainstayKernel"] + plugins.map(\.product)
    return """
      \(modules.sorted().map { "import \($0)" }.joined(separator: "\n"))

      // The plugins of this host; host.yaml decides which of them run. Add your own here.
      let plugins: [any Plugin.Type] = [
      \(plugins.map { "  \($0.type).self,\n" }.joined())]

      await HostProgram(name: "\(name.text)", version: "0.1.0", plugins: plugins).main()

      """
  }

  private var manifest: String {
    """
    # yaml-language-server: $schema=host.schema.json
    # Every key: `\(name.text) schema`; every value and where it comes from: `\(name.text) config`.
    host:
      name: \(name.text)
      environment: development

    \(plugins.isEmpty ? "plugins: {}" : "plugins:\n" + plugins.map { "  \($0.name): \($0.section)" }.joined(separator: "\n"))

    """
  }

  private var readme: String {
    """
    # \(name.text)

    A [Mainstay](\(source.link)) host\(plugins.isEmpty ? "" : " that links " + plugins.map(\.name).joined(separator: ", ")).

    ```
    swift run \(name.text) run host.yaml
    ```

    Ctrl-C stops it. `swift run \(name.text) --help` lists the other commands: `validate` checks the manifest, `graph` shows
    who depends on whom, `config` every value and where it comes from.

    `swift run \(name.text) schema --output host.schema.json` writes the schema with which editors complete `host.yaml`.

    ## A plugin of your own

    `mainstay new plugin Foo` makes its package. Then three lines: the package under `dependencies` in `Package.swift`,
    its product under the target's, and `FooPlugin.self` in `Sources/\(name.text)/main.swift`.

    """
  }
}
