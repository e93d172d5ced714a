import Testing

@testable import MainstayKernel

@Suite struct DependencyGraphTests {
  private func plugin(
    _ name: String, provides: [String] = [], requires: [String] = [], uses: [String] = [],
    contributes: [ContributionPoint<Int>] = [], collects: [ContributionPoint<Int>] = [],
    api: KernelAPIVersion = .v1
  ) -> PluginManifest {
    PluginManifest(
      name: name, version: "1.0.0", summary: "", kernelAPI: api, provides: provides.map { .init(Capability<Int>($0)) },
      requires: requires.map { .init(Capability<Int>($0)) }, uses: uses.map { .init(Capability<Int>($0)) },
      contributes: contributes.map { .init($0) }, collects: collects.map { .init($0) })
  }

  private func problems(_ manifests: [PluginManifest], linked: [PluginManifest] = []) -> [DependencyGraph.Problem] {
    guard case .failure(let problems) = DependencyGraph.resolve(manifests, linked: linked) else { return [] }
    return problems.all
  }

  private let routes = ContributionPoint<Int>("routes", collectorStopsFirst: true)
  private let checks = ContributionPoint<Int>("checks")

  @Test func startsAfterWhatItDependsOn() throws {
    let graph = try DependencyGraph.resolve([
      plugin("reports", requires: ["sql"], uses: ["cache"]),
      plugin("pool", provides: ["sql"]),
      plugin("memory", provides: ["cache"], requires: ["sql"]),
    ]).get()
    #expect(graph.nodes.map(\.name) == ["pool", "memory", "reports"])
    #expect(graph.levels == [["pool"], ["memory"], ["reports"]])
    #expect(
      graph.edges.map { "\($0.from) \($0.kind.rawValue) \($0.capability) \($0.to)" } == [
        "memory requires sql pool", "reports uses cache memory", "reports requires sql pool",
      ])
  }

  @Test func tiesAreBrokenByName() throws {
    let graph = try DependencyGraph.resolve(["c", "a", "b"].map { plugin($0) }).get()
    #expect(graph.nodes.map(\.name) == ["a", "b", "c"])
  }

  @Test func absentOptionalCapabilityIsFine() throws {
    let graph = try DependencyGraph.resolve([plugin("reports", uses: ["cache"])]).get()
    #expect(graph.edges.isEmpty)
  }

  @Test func missingProviderNamesTheLinkedOnes() {
    let problem = problems(
      [plugin("reports", requires: ["sql"])], linked: [plugin("pool", provides: ["sql"]), plugin("reports")])
    #expect(
      problem.map(\.message) == ["plugin 'reports' requires 'sql', which no enabled plugin provides"])
    #expect(problem.map(\.remedy) == ["declare 'pool' under `plugins:`, and see that it is not disabled"])
  }

  @Test func missingProviderThatNobodyLinks() {
    let problem = problems([plugin("reports", requires: ["sql"])])
    #expect(
      problem.map(\.remedy) == ["link a plugin that provides 'sql' into the host and declare it under `plugins:`"])
  }

  @Test func twoProvidersAreNamed() {
    let problem = problems([plugin("a", provides: ["sql"]), plugin("b", provides: ["sql"])])
    #expect(problem.map(\.message) == ["plugins 'a' and 'b' both provide 'sql'"])
  }

  @Test func twoCollectorsAreNamed() {
    let problem = problems([plugin("a", collects: [routes]), plugin("b", collects: [routes])])
    #expect(problem.map(\.message) == ["plugins 'a' and 'b' both collect 'routes'"])
  }

  @Test func cycleIsPrintedAsPath() {
    let problem = problems([
      plugin("a", provides: ["x"], requires: ["z"]),
      plugin("b", provides: ["y"], requires: ["x"]),
      plugin("c", provides: ["z"], uses: ["y"]),
      plugin("d", requires: ["x"]),
    ])
    #expect(problem.map(\.kind) == [.cycle])
    #expect(
      problem.map(\.message) == [
        "plugins wait for each other: a → c → b → a ('a' requires 'z' of 'c', 'c' uses 'y' of 'b', "
          + "'b' requires 'x' of 'a')"
      ])
  }

  @Test func pluginThatRequiresItselfIsACycle() {
    #expect(problems([plugin("a", provides: ["x"], requires: ["x"])]).map(\.kind) == [.cycle])
  }

  @Test func oneNameForTwoTypes() {
    let text = PluginManifest(
      name: "text", version: "1", summary: "", requires: [.init(Capability<String>("sql"))])
    let problem = problems([plugin("pool", provides: ["sql"]), text])
    #expect(problem.map(\.message) == ["'sql' is Int in plugin 'pool' and String in plugin 'text'"])
  }

  @Test func kernelVersionNamesBoth() {
    let problem = problems([plugin("new", api: KernelAPIVersion(2, 0)), plugin("newer", api: KernelAPIVersion(1, 9))])
    #expect(
      problem.map(\.message) == [
        "plugin 'new' 1.0.0 was written for kernel API 2.0, this host's kernel offers 1.0",
        "plugin 'newer' 1.0.0 was written for kernel API 1.9, this host's kernel offers 1.0",
      ])
  }

  @Test func everyProblemInOneGo() {
    let problem = problems([
      plugin("a", provides: ["x"], requires: ["missing"]), plugin("b", provides: ["x"]),
      plugin("c", provides: ["c"], requires: ["c"]),
    ])
    #expect(Set(problem.map(\.kind)) == [.missingProvider, .duplicateProvider, .cycle])
  }

  @Test func collectorStopsBeforeItsContributors() throws {
    let graph = try DependencyGraph.resolve([
      plugin("http", collects: [routes]), plugin("reports", contributes: [routes]),
      plugin("health", contributes: [checks]),
    ]).get()
    let reports = try #require(graph.nodes.first { $0.name == "reports" })
    #expect(reports.collectors.map { graph.nodes[$0].name } == ["http"])
    #expect(reports.level == 0)
    #expect(graph.softened.isEmpty)
  }

  @Test func contributorThatDependsOnItsCollectorStopsFirst() throws {
    let graph = try DependencyGraph.resolve([
      plugin("http", provides: ["server"], collects: [routes]),
      plugin("reports", requires: ["server"], contributes: [routes]),
    ]).get()
    #expect(graph.softened.map(\.to) == ["reports"])
    #expect(graph.nodes.allSatisfy { $0.collectors.isEmpty })
  }

  @Test func manyPluginsResolve() throws {
    let manifests = (0..<2_000).map { index in
      plugin(
        "p\(index)", provides: ["c\(index)"],
        requires: index == 0 ? [] : ["c\(index / 2)", "c\(index - 1)"].filter { $0 != "c\(index)" })
    }
    let graph = try DependencyGraph.resolve(manifests).get()
    #expect(graph.nodes.count == 2_000)
    #expect(graph.nodes.last?.level == 1_999)
  }
}
