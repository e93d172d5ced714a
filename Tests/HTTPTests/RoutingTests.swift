import HTTPTypes
import MainstayHTTPTesting
import MainstayKernel
import Testing

@testable import MainstayHTTP

struct RoutingTests {
  @Test(
    "Paths are normalised",
    arguments: [
      ("/", "/"), ("/a/b", "/a/b"), ("/a/b/", "/a/b"), ("//a///b", "/a/b"), ("/a?x=/../y", "/a"), ("/%61/b", "/a/b"),
      ("/a/b#c", "/a/b"), ("/a.b/..c", "/a.b/..c"), ("/a%20b", "/a b"), ("/%C3%A9", "/é"),
    ])
  func normalised(target: String, path: String) throws {
    #expect(try RequestTarget(target).path == path)
  }

  @Test(
    "Paths that lead elsewhere are refused",
    arguments: [
      "", "a", "*", "/../a", "/a/..", "/a/./b", "/%2e%2e/a", "/a/%2E", "/..%2fetc", "/a%2Fb", "/a%5c..%5cb", "/%00",
      "/a%0d%0ab", "/%", "/%4", "/%zz", "/%ff", "/a%",
    ])
  func refused(target: String) {
    let problem = #expect(throws: HTTPProblem.self) { try RequestTarget(target) }
    #expect(problem?.status == .badRequest)
  }

  private func table(_ paths: String..., aliases: PathAliases = .none) -> RouteTable {
    let routes = paths.map { Route.get(RoutePath($0), $0, access: .open) { _, _ in .noContent } }
    return RouteTable([.init(plugin: "test", value: Routes(routes))], aliases: aliases)
  }

  private func found(_ table: RouteTable, _ target: String, _ method: HTTPRequest.Method = .get) throws -> String? {
    guard case .found(let entry, let values) = table.match(method, try RequestTarget(target)) else { return nil }
    return ([entry.route.path.template] + values.map(String.init)).joined(separator: " ")
  }

  @Test("A literal wins over a parameter, a parameter over all that remain; a dead end is left again")
  func precedence() throws {
    let table = table("/a/{x}", "/a/b", "/a/{x}/c", "/a/b/d", "/a/{rest...}", "/{any...}")
    #expect(try found(table, "/a/b") == "/a/b")
    #expect(try found(table, "/a/z") == "/a/{x} z")
    #expect(try found(table, "/a/b/c") == "/a/{x}/c b")
    #expect(try found(table, "/a/b/d") == "/a/b/d")
    #expect(try found(table, "/a/b/d/e") == "/a/{rest...} b/d/e")
    #expect(try found(table, "/q/r") == "/{any...} q/r")
    #expect(try found(table, "/") == nil)
  }

  @Test("Parameters are decoded, and named as in the route that answers")
  func parameters() async throws {
    let routes = try TestRoutes([
      .get("/x/{first}/y/{second}", "Two.", access: .open) { _, context in
        .text("\(try context.parameter("first")),\(try context.parameter("second", as: Int.self))")
      }
    ])
    #expect(await routes.get("/x/a%20b/y/7?q=1").text == "a b,7")
    #expect(await routes.get("/x/a/y/seven").status == .badRequest)
    #expect(await routes.get("/x//y/7").status == .notFound)
  }

  @Test("Aliases and prefixes lead to the path that is served, which wins if it exists itself")
  func aliases() throws {
    let table = table("/health", "/live", "/health/comprehensive", "/api/own", "/own", aliases: .standard)
    #expect(try found(table, "/api/health") == "/health")
    #expect(try found(table, "/api/health/") == "/health")
    #expect(try found(table, "/health/liveness") == "/live")
    #expect(try found(table, "/api/health/detailed") == "/health/comprehensive")
    #expect(try found(table, "/api/system/health") == "/health/comprehensive")
    #expect(try found(table, "/api/own") == "/api/own")
    #expect(try found(table, "/api/nothing") == nil)
    #expect(try found(table, "/apihealth") == nil)
  }

  @Test("A route's own aliases answer too")
  func routeAliases() throws {
    let route = Route.get("/a/{x}", "", access: .open) { _, _ in .noContent }.aliased("/b/{y}")
    let table = RouteTable([.init(plugin: "test", value: [route])])
    #expect(try found(table, "/b/1") == "/a/{x} 1")
  }

  @Test("Of two plugins that answer the same, the first does, and the other is told")
  func conflict() throws {
    let one = Route.get("/a/{x}", "one", access: .open) { _, _ in .noContent }
    let two = Route.get("/a/{y}", "two", access: .open) { _, _ in .noContent }
    let table = RouteTable([.init(plugin: "p", value: [one]), .init(plugin: "q", value: [two])])
    #expect(try found(table, "/a/1") == "/a/{x} 1")
    #expect(table.rejected.count == 1)
    #expect(table.rejected.first?.contains("'q'") == true && table.rejected.first?.contains("'p'") == true)
  }

  @Test(
    "Paths declared wrongly are told with the remedy",
    arguments: [
      "hello", "/a/{x}/{x}", "/a/:name", "/a/{x y}", "/{rest...}/a", "/a/../b", "/a b", "/{}", "/a{x}",
    ])
  func mistakes(path: String) {
    #expect(!RoutePath(path).mistakes.isEmpty)
    #expect(throws: RouteError.self) {
      try TestRoutes([.get(RoutePath(path), "", access: .open) { _, _ in .noContent }])
    }
  }

  @Test("Two routes for the same requests are a mistake")
  func duplicates() {
    let routes: Routes = [
      .get("/a/{x}", "", access: .open) { _, _ in .noContent },
      .get("/a/{y}", "", access: .open) { _, _ in .noContent },
    ]
    #expect(routes.mistakes.count == 1)
  }

  @Test("OpenAPI's notation")
  func openAPI() {
    #expect(RoutePath("/files/{path...}").openAPI == "/files/{path}")
    #expect(RoutePath("/").openAPI == "/")
  }

  @Test("Any target is either refused or leads to segments that stay where they are")
  func anyTarget() {
    var generator = SystemRandomNumberGenerator()
    let pieces = ["/", ".", "..", "%2e", "%2F", "%", "a", "é", "?", "#", "%00", "\\", "%5C", "%c3%a9", "//"]
    for _ in 0..<20_000 {
      let count = Int.random(in: 0..<12, using: &generator)
      let target = "/" + (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
      guard let safe = try? RequestTarget(target) else { continue }
      for segment in safe.segments {
        #expect(segment != "." && segment != ".." && !segment.isEmpty && !segment.contains("/"), "\(target)")
      }
    }
  }
}
