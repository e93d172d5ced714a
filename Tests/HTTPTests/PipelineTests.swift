import HTTPTypes
import Logging
import MainstayHTTP
import MainstayHTTPTesting
import MainstayKernel
import MainstayTesting
import ServiceContextModule
import Synchronization
import Testing

struct PipelineTests {
  private struct Note: Codable, Equatable {
    struct Author: Codable, Equatable { var name: String }
    var title: String
    var stars: Int
    var authors: [Author]
  }

  private struct Secret: Error { let text = "password=hunter2" }

  private let routes: Routes = [
    .post("/notes", "Takes a note.", access: .open) { request, context in
      try .json(try await context.decode(Note.self, from: request), status: .created)
    },
    .get("/fail", "Fails.", access: .open) { _, _ in throw Secret() },
    .get("/teapot", "Refuses.", access: .open) { _, _ in
      throw HTTPProblem(.conflict, "No coffee.", type: "urn:teapot", members: ["spout": "short"])
        .retryAfter(.milliseconds(1200))
    },
    .get("/who", "Known callers.") { _, context in .text(context.identity?.subject ?? "-") },
    .get("/admin", "Operators.", access: .role("operator")) { _, _ in .text("in") },
    .get("/trace", "Tells the trace.", access: .open) { _, context in
      let current = ServiceContext.current
      return .text("\(current?.requestID ?? "-") \(current?.traceContext?.traceID.description ?? "-")")
    },
    .get("/stream-trace", "Tells the trace from a stream.", access: .open) { _, _ in
      Response(
        status: .ok,
        body: .init { writer in
          try await writer.write(ByteBuffer(string: ServiceContext.current?.requestID ?? "-"))
          try await writer.finish(nil)
        })
    },
  ]

  @Test("JSON in, JSON out")
  func json() async throws {
    let note = Note(title: "a", stars: 3, authors: [.init(name: "b")])
    let response = try await TestRoutes(routes).post("/notes", json: note)
    #expect(response.status == .created)
    #expect(response.headers[.contentType] == "application/json")
    #expect(try response.decode(Note.self) == note)
  }

  @Test(
    "What is wrong with a body is told with the member's name, never its value",
    arguments: [
      (#"{"title":"a"}"#, 422, "'stars' is missing"),
      (#"{"title":"a","stars":"hunter2","authors":[]}"#, 422, "'stars' must be a whole number"),
      (#"{"title":"a","stars":1,"authors":[{"name":7}]}"#, 422, "'authors[0].name' must be a string"),
      (#"{"title":null,"stars":1,"authors":[]}"#, 422, "'title' must be a string, not null"),
      (#"{"title":"hunter2""#, 400, "not JSON"),
      ("", 400, "empty"),
    ])
  func badBodies(body: String, status: Int, words: String) async throws {
    let response = try await TestRoutes(routes).send(
      .post, "/notes", body: ByteBuffer(string: body), headers: [.contentType: "application/json; charset=utf-8"])
    #expect(response.status.code == status)
    #expect(response.headers[.contentType] == "application/problem+json")
    #expect(try response.json["detail"]?.stringValue?.contains(words) == true, "\(response.text)")
    #expect(!response.text.contains("hunter2"))
  }

  @Test("A body that is not declared as JSON gets 415, one that is too long 413")
  func mediaTypeAndLength() async throws {
    let body = ByteBuffer(string: "{}")
    #expect(try await TestRoutes(routes).send(.post, "/notes", body: body).status == .unsupportedMediaType)
    let form: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
    let asForm = try await TestRoutes(routes).send(.post, "/notes", body: body, headers: form)
    #expect(asForm.status == .unsupportedMediaType)
    let json: HTTPFields = [.contentType: "application/json"]
    let long = try await TestRoutes(routes, bodyLimit: 1).send(.post, "/notes", body: body, headers: json)
    #expect(long.status == .contentTooLarge)
  }

  @Test("Problems carry what RFC 9457 asks for, the request's id and the handler's members")
  func problems() async throws {
    let response = try await TestRoutes(routes).get("/teapot?patient=7", headers: [.requestID: "r-1"])
    let problem = try response.json
    #expect(response.status == .conflict && response.headers[.retryAfter] == "2")
    #expect(problem["type"] == "urn:teapot" && problem["title"] == "Conflict" && problem["status"] == 409)
    #expect(problem["detail"] == "No coffee." && problem["spout"] == "short")
    #expect(problem["instance"] == "/teapot" && problem["requestId"] == "r-1")
  }

  @Test("An unexpected error is a plain 500 for the client and a line with the request's id in the log")
  func unexpected() async throws {
    let log = LogLines()
    let response = try await TestRoutes(routes, logger: log.logger).get("/fail")
    #expect(response.status == .internalServerError)
    #expect(!response.text.contains("hunter2"))
    let id = try #require(response.headers[.requestID])
    let line = try #require(log.lines.first)
    #expect(line.contains("hunter2") && line.contains(id) && line.contains("/fail"))
  }

  @Test("Access fails closed")
  func access() async throws {
    let nobody = try TestRoutes(routes)
    let unknown = await nobody.get("/who")
    #expect(unknown.status == .unauthorized)
    #expect(try unknown.json["detail"]?.stringValue?.isEmpty == false)
    let user = try TestRoutes(routes, caller: Identity(subject: "ada", scheme: "test"))
    #expect(await user.get("/who").text == "ada")
    let refused = await user.get("/admin")
    #expect(refused.status == .forbidden)
    #expect(try refused.json["detail"]?.stringValue?.contains("role operator") == true)
    let admin = try TestRoutes(routes, caller: Identity(subject: "eve", roles: ["operator"], scheme: "test"))
    #expect(await admin.get("/admin").text == "in")
  }

  @Test("Authenticators are asked in order; credentials that are not good end the search; challenges are told")
  func authenticators() async throws {
    struct Key: HTTPAuthenticator {
      let name: String
      var challenge: String { "\(name) realm=\"test\"" }
      func authenticate(_ request: Request, _ context: MainstayRequestContext) async throws -> Identity? {
        guard let given = request.headers[.authorization]?.split(separator: " "), given.first == name[...] else {
          return nil
        }
        guard given.last == "good" else { throw HTTPProblem(.unauthorized, "The key is not known.") }
        return Identity(subject: name, scheme: name)
      }
    }
    let routes = try TestRoutes(routes, authenticators: [Key(name: "A"), Key(name: "B")])
    #expect(await routes.get("/who", headers: [.authorization: "B good"]).text == "B")
    #expect(await routes.get("/who", headers: [.authorization: "A bad"]).status == .unauthorized)
    let nothing = await routes.get("/who")
    #expect(nothing.headers[values: .wwwAuthenticate] == ["A realm=\"test\"", "B realm=\"test\""])
  }

  @Test("The request's id and trace are the task's own, also while a stream is written")
  func tracing() async throws {
    let trace = "0af7651916cd43dd8448eb211c80319c"
    let headers: HTTPFields = [
      .requestID: "r-2", .w3cTraceparent: "00-\(trace)-b7ad6b7169203331-01",
    ]
    let routes = try TestRoutes(routes)
    #expect(await routes.get("/trace", headers: headers).text == "r-2 \(trace)")
    #expect(await routes.get("/stream-trace", headers: headers).text == "r-2")
    #expect(await routes.get("/trace", headers: [.w3cTraceparent: "00-xyz"]).text.hasSuffix(" -"))
  }

  @Test("Schemas are read off an example")
  func schemas() throws {
    let schema = HTTPSchema.example(Note(title: "a", stars: 1, authors: [.init(name: "b")])).value
    #expect(schema["type"] == "object")
    #expect(schema["properties"]?["stars"] == ["type": "integer"])
    #expect(schema["properties"]?["authors"]?["items"]?["properties"]?["name"] == ["type": "string"])
    let declared = HTTPSchema.object(["name": .string, "age?": .integer]).value
    #expect(declared["required"] == ["name"])
  }

  @Test("Request ids")
  func requestIDs() {
    let ids = Set((0..<1000).map { _ in HTTPRequestID.random() })
    #expect(ids.count == 1000)
    #expect(ids.allSatisfy { $0.utf8.count == 32 && HTTPRequestID.isWellFormed($0) })
    for bad in ["", "a b", "a\r\nb", "é", String(repeating: "x", count: 129)] {
      #expect(!HTTPRequestID.isWellFormed(bad))
    }
  }
}
