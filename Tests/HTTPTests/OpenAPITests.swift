import MainstayHTTP
import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayHTTPServer

@Suite struct OpenAPITests {
  private func document(_ routes: Routes, plugin: String = "templates") -> JSONValue {
    OpenAPIDocument(
      title: "clinic", version: "1.2.3", routes: routes.routes.map { Contributed(plugin: plugin, value: $0) }
    ).json
  }

  private let handler: Route.Handler = { _, _ in .noContent }

  @Test func describesARoute() throws {
    let document = document([
      .put("/templates/{name}/files/{path...}", "Replaces a file.", access: .role("editor"), handler: handler)
        .described("Says more.").parameter("name", "Of the template.").query("dry", "Only look.", .boolean)
        .accepts(.object(["text": .string])).responds(.created, .object(["id": .integer]), "It is new.")
    ])
    #expect(document["openapi"] == "3.1.0")
    #expect(document["info"] == ["title": "clinic", "version": "1.2.3"])
    #expect(document["servers"] == [["url": "/"]])
    let operation = try #require(document["paths"]?["/templates/{name}/files/{path}"]?["put"])
    #expect(operation["operationId"] == "putTemplatesByNameFilesByPath")
    #expect(operation["summary"] == "Replaces a file.")
    #expect(operation["description"] == "Says more.")
    #expect(operation["tags"] == ["templates"])
    #expect(operation["x-mainstay-access"] == "role editor")
    #expect(operation["security"] == [["apiKey": []], ["bearer": []]])
    let parameters = try #require(operation["parameters"]?.arrayValue)
    #expect(parameters.map { $0["name"] } == ["name", "path", "dry"])
    #expect(parameters.map { $0["in"] } == ["path", "path", "query"])
    #expect(parameters.map { $0["required"] } == [true, true, false])
    #expect(operation["requestBody"]?["content"]?["application/json"]?["schema"]?["type"] == "object")
    #expect(operation["responses"]?["201"]?["description"] == "It is new.")
    for status in ["401", "403", "429", "default"] {
      let problem = operation["responses"]?[status]?["content"]?["application/problem+json"]
      #expect(problem?["schema"]?["$ref"] == "#/components/schemas/Problem", "\(status)")
    }
  }

  @Test func namesOperationsApartAndLeavesHiddenOnesOut() throws {
    let document = document([
      .get("/a-b", "", access: .open, handler: handler), .get("/a/b", "", handler: handler),
      .get("/aB", "", handler: handler), .get("/secret", "", handler: handler).hidden(),
      .post("/a/b", "", handler: handler),
    ])
    let paths = try #require(document["paths"]?.objectValue)
    #expect(paths.keys == ["/a-b", "/a/b", "/aB"])
    let ids = paths.flatMap { path in path.value.objectValue?.compactMap { $0.value["operationId"]?.stringValue } ?? []
    }
    #expect(ids == ["getAB", "getAB2", "postAB", "getAB3"])
    #expect(Set(ids).count == ids.count)
    #expect(paths["/a-b"]?["get"]?["security"] == [])
    #expect(paths["/a-b"]?["get"]?["responses"]?["401"] == nil)
  }

  @Test func aRouteWithoutDocumentationHasAResponse() {
    let operation = document([.get("/", "", handler: handler)])["paths"]?["/"]?["get"]
    #expect(operation?["responses"]?["200"] != nil)
    #expect(operation?["operationId"] == "get")
  }
}
