import MainstayTesting
import Testing

@testable import MainstayCommandLine

@Suite struct MainstaySourceTests {
  private let checkout: TemporaryFolder

  init() throws {
    checkout = try TemporaryFolder(["Package.swift": "let package = Package(\n  name: \"mainstay\",\n)"])
  }

  @Test func enclosingCheckoutIsTheDefault() throws {
    let source = try MainstaySource(
      given: nil, version: nil, directory: checkout.path + "/made/here", checkout: checkout.path)
    #expect(source == .path("../.."))
    #expect(source.identity == "mainstay")
    #expect(source.dependency(withDefaultTraits: true) == ".package(name: \"mainstay\", path: \"../..\")")
    #expect(source.dependency(withDefaultTraits: false) == ".package(name: \"mainstay\", path: \"../..\", traits: [])")
  }

  @Test func urlsCarryTheirVersionAndIdentity() throws {
    let source = try MainstaySource(
      given: "https://example.org/acme/Mainstay-Fork.git", version: "2.1.0", directory: "/x", checkout: nil)
    #expect(source.identity == "mainstay-fork")
    #expect(
      source.dependency(withDefaultTraits: true)
        == ".package(url: \"https://example.org/acme/Mainstay-Fork.git\", from: \"2.1.0\")")
    #expect(source.product("MainstayKernel") == ".product(name: \"MainstayKernel\", package: \"mainstay-fork\")")
  }

  @Test func withoutACheckoutItMustBeSaid() {
    let error = #expect(throws: ScaffoldError.self) {
      try MainstaySource(given: nil, version: nil, directory: "/x", checkout: nil)
    }
    #expect(error?.description.contains("--mainstay") == true)
  }

  @Test(arguments: ["1", "1.0", "one.two.three", "1.0.0-", "-1.0.0", ""])
  func versionsAreThreeNumbers(version: String) {
    #expect(throws: ScaffoldError.self) {
      try MainstaySource(given: "https://example.org/mainstay", version: version, directory: "/x", checkout: nil)
    }
  }

  @Test func versionOfACheckoutIsRefused() {
    #expect(throws: ScaffoldError.self) {
      try MainstaySource(given: checkout.path, version: "1.0.0", directory: "/x", checkout: nil)
    }
  }

  @Test func foldersThatHoldSomethingElseAreRefused() {
    #expect(throws: ScaffoldError.self) {
      try MainstaySource(given: "/nowhere", version: nil, directory: "/x", checkout: nil)
    }
  }

  @Test func textThatWouldBreakOutOfAStringIsRefused() {
    #expect(throws: ScaffoldError.self) {
      try MainstaySource(given: "https://x/\"), .evil(\"", version: nil, directory: "/x", checkout: nil)
    }
  }

  @Test(arguments: [
    ("/a/b", "/a/b/c", ".."), ("/a/b", "/a/c/d", "../../b"), ("/a/b/c", "/a", "b/c"), ("/a", "/b/c", "/a"),
    ("/a/b", "/a/b", "."),
  ])
  func relativePaths(target: String, folder: String, way: String) {
    #expect(relativePath(to: target, from: folder) == way)
  }

  @Test func absolutePaths() {
    #expect(absolutePath("/a/./b/../c/") == "/a/c")
    #expect(absolutePath("/../..") == "/")
    #expect(absolutePath("x").hasSuffix("/x"))
    #expect(absolutePath("x").hasPrefix("/"))
  }
}
