import Glibc
import MainstayTesting
import Testing

@testable import MainstayCommandLine

@Suite struct ScaffoldTests {
  private let source = MainstaySource.path("../mainstay")

  private func plugin(_ name: String, hasRoute: Bool = false) throws -> [String: String] {
    map(PluginScaffold(name: try PluginName(name), source: source, hasRoute: hasRoute).files)
  }

  private func host(_ plugins: String, traits: Bool = true) throws -> [String: String] {
    map(
      HostScaffold(
        name: try HostName("clinic"), source: source, plugins: try StockPlugin.list(plugins), hasDefaultTraits: traits
      ).files)
  }

  private func map(_ files: [ScaffoldFile]) -> [String: String] {
    Dictionary(uniqueKeysWithValues: files.map { ($0.path, $0.text) })
  }

  @Test func pluginPackageIsWhole() throws {
    let files = try plugin("PDFReports")
    #expect(
      files.keys.sorted() == [
        ".gitignore", "Package.swift", "README.md", "Sources/PDFReportsPlugin/PDFReportsPlugin.swift",
        "Tests/PDFReportsPluginTests/PDFReportsPluginTests.swift",
      ])
    #expect(files["Package.swift"]?.contains("name: \"pdf-reports-plugin\"") == true)
    #expect(files["Sources/PDFReportsPlugin/PDFReportsPlugin.swift"]?.contains("name: \"pdf_reports\"") == true)
  }

  @Test func routeComesOnlyWhenAskedFor() throws {
    let without = try plugin("Reports").values.joined()
    #expect(!without.contains("HTTP"))
    let with = try plugin("Reports", hasRoute: true)
    #expect(with["Package.swift"]?.contains("\"MainstayHTTP\"") == true)
    #expect(with["Package.swift"]?.contains("\"MainstayHTTPTesting\"") == true)
    #expect(with["Sources/ReportsPlugin/ReportsPlugin.swift"]?.contains("contributes: [.point(.httpRoutes)]") == true)
    #expect(with["Sources/ReportsPlugin/ReportsPlugin.swift"]?.contains(".get(\"/reports\"") == true)
  }

  @Test func textsAreTidy() throws {
    let files = try plugin("Reports").merging(try plugin("Web", hasRoute: true)) { first, _ in first }
      .merging(try host("http,health")) { first, _ in first }
    for (path, text) in files {
      #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"), "\(path) ends with one line end")
      #expect(!text.contains("\n\n\n"), "\(path) has two empty lines in a row")
      for line in text.split(separator: "\n") {
        #expect(line.count <= 120, "\(path): \(line)")
        #expect(!line.hasSuffix(" "), "\(path): \(line)")
      }
    }
  }

  @Test func hostLinksOnlyWhatIsChosen() throws {
    let files = try host("health")
    #expect(files["Package.swift"]?.contains("MainstayHealth") == true)
    #expect(files["Package.swift"]?.contains("MainstayHTTPServer") == false)
    #expect(files["Sources/clinic/main.swift"]?.contains("  HealthPlugin.self,\n]") == true)
    #expect(files["host.yaml"]?.contains("plugins:\n  health: {}\n") == true)
    #expect(files["host.yaml"]?.hasPrefix("# yaml-language-server: $schema=host.schema.json\n") == true)
  }

  @Test func hostWithoutPluginsIsAHost() throws {
    let files = try host("")
    #expect(files["host.yaml"]?.contains("plugins: {}") == true)
    #expect(files["Sources/clinic/main.swift"]?.contains("= [\n]") == true)
  }

  @Test func traitsAreLeftOutWhenAskedFor() throws {
    #expect(try host("http", traits: false)["Package.swift"]?.contains("traits: []") == true)
    #expect(try host("http")["Package.swift"]?.contains("traits") == false)
  }

  @Test func unknownPluginsAreNamed() {
    let error = #expect(throws: ScaffoldError.self) { try StockPlugin.list("http, helth") }
    #expect(
      error?.description
        == "there is no stock plugin 'helth'; there are: \(StockPlugin.all.map(\.name).joined(separator: ", "))")
  }

  @Test func repeatedPluginsCountOnce() throws {
    #expect(try StockPlugin.list("health, http ,health").map(\.name) == ["health", "http"])
  }
}

@Suite struct ScaffoldWriterTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }
  private let files = [ScaffoldFile(path: "a.txt", text: "A\n"), ScaffoldFile(path: "x/y/b.txt", text: "B\n")]

  @Test func writesEverything() throws {
    try ScaffoldWriter(directory: folder.path + "/new/package").write(files)
    #expect(folder.read("new/package/a.txt") == "A\n")
    #expect(folder.read("new/package/x/y/b.txt") == "B\n")
    #expect(folder.names == ["new"])
  }

  @Test func existingFolderIsLeftAlone() throws {
    try ScaffoldWriter(directory: folder.path + "/p").write([ScaffoldFile(path: "mine.txt", text: "mine")])
    let error = #expect(throws: ScaffoldError.self) { try ScaffoldWriter(directory: folder.path + "/p").write(files) }
    #expect(error?.description.contains("exists already") == true)
    #expect(folder.read("p/mine.txt") == "mine")
    #expect(folder.read("p/a.txt") == nil)
  }

  @Test func failureLeavesNothingBehind() throws {
    // A file cannot be a folder as well.
    let impossible = files + [ScaffoldFile(path: "a.txt/c.txt", text: "C\n")]
    #expect(throws: ScaffoldError.self) {
      try ScaffoldWriter(directory: folder.path + "/new/package").write(impossible)
    }
    #expect(folder.names == [])
  }

  @Test func folderThatCannotBeMadeIsNamed() throws {
    try folder.write("file", "")
    let error = #expect(throws: ScaffoldError.self) {
      try ScaffoldWriter(directory: folder.path + "/file/package").write(files)
    }
    #expect(error?.description.contains(folder.path + "/file") == true)
    #expect(folder.names == ["file"])
  }
}
