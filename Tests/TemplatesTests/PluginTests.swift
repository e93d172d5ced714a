import HTTPTypes
import MainstayCapabilities
import MainstayHTTP
import MainstayHTTPTesting
import MainstayKernel
import MainstayTemplating
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayTemplates

/// The plugin in a host, its routes, its documents.
@Suite struct PluginTests {
  private func service(
    _ folder: String, bus: EventBus = EventBus(), _ change: (inout TemplatesConfiguration) -> Void = { _ in }
  ) throws -> TemplateService {
    var configuration = TemplatesConfiguration()
    configuration.folders = [folder]
    change(&configuration)
    let service = TemplateService(configuration: configuration, clock: ManualClock(), bus: bus)
    _ = try service.library.refresh(helpers: .standard)
    return service
  }

  @Test func theExamplesRender() async throws {
    let service = try service(ExampleTemplates.folder)
    #expect(service.library.generation.faults == [])
    for name in ["documents/medical-report", "documents/billing-statement", "documents/prescription"] {
      let data = try service.sample(of: name)
      let page = try await service.render(TemplateRequest(name, data: data)).content
      #expect(page.contains("482-91-3377"))
      let text = try await service.renderDocument(TemplateRequest(name, data: data), as: .text)
      #expect(String(decoding: text.content, as: UTF8.self).contains("Lakeside Clinic"))
    }
    let name = "documents/visit-summary"
    let summary = try await service.renderDocument(
      TemplateRequest(name, data: try service.sample(of: name)), as: .html)
    #expect(String(decoding: summary.content, as: UTF8.self).contains("<td>Ferrous sulfate 325 mg</td>"))
  }

  @Test func mailsHaveEverything() async throws {
    let service = try service(ExampleTemplates.folder)
    let name = "mail/appointment-reminder"
    let data = try service.sample(of: name)
    let mail = try await service.renderEmail(TemplateRequest(name, data: data))
    #expect(mail.subject == "Your appointment on April 14")
    #expect(mail.preheader == "Dr. Grace Sample, Tuesday 3:30 PM")
    #expect(mail.attachments == ["appointment.ics"])
    #expect(
      mail.html?.contains(
        "<a class=\"button\" href=\"https://clinic.example.org/confirm/8fd2\" style=\"display: inline-block;") == true)
    #expect(
      mail.text.hasPrefix(
        "Hello Ada Example,\n\nwe look forward to seeing you on Tuesday, April 14, 2026 at 3:30 PM with"))
    #expect(mail.text.contains("Confirm <https://clinic.example.org/confirm/8fd2>"))
    let german = try await service.renderEmail(TemplateRequest(name, data: data, locale: "de-AT"))
    #expect(german.subject == "Ihr Termin am 14. April")
    #expect(german.text.contains("Dienstag, 14. April 2026 um 15:30 Uhr"))
    let failure = await #expect(throws: TemplateFailure.self) { try await service.renderEmail(TemplateRequest(name)) }
    #expect(failure?.code == .invalidData || failure?.code == .renderingFailed)
  }

  @Test func mailsAreMadeOfMarkdown() async throws {
    let folder = try TemporaryFolder([
      "m.md.hbs":
        "---\nsubject: For {{name}}\npreheader: Soon\n---\n# Hello {{name}}\n\n- one\n- [two](https://a.org)\n",
      "m.de.md.hbs": "---\nsubject: Für {{name}}\n---\nHallo **{{name}}**", "m.de.txt.hbs": "Hallo {{name}}!",
      "bare.md.hbs": "x", "table.csv.hbs": "---\nsubject: x\n---\na,b",
    ])
    let service = try service(folder.path)
    #expect(service.library.generation.faults == [])
    let mail = try await service.renderEmail(TemplateRequest("m", data: ["name": "<b> *Ada*"]))
    #expect(mail.subject == "For <b> *Ada*")
    #expect(mail.text == "Hello <b> *Ada*\n\n- one\n- two <https://a.org>\n")
    let html = try #require(mail.html)
    #expect(html.contains("<h1 style=\"font-size: 22px; line-height: 1.25\">Hello &lt;b&gt; *Ada*</h1>"))
    #expect(html.contains("<a href=\"https://a.org\" style=\"color: #0b57a4\">two</a>"))
    #expect(html.contains("<html lang=\"en\">") && html.contains(">Soon&zwnj;") && !html.contains("<style>"))
    let german = try await service.renderEmail(TemplateRequest("m", data: ["name": "Ada"], locale: "de"))
    #expect(german.text == "Hallo Ada!")
    #expect(german.html?.contains("Hallo <strong>Ada</strong>") == true)
    for (name, words) in [
      ("bare", "has no subject"), ("table", "neither html, markdown nor text"), ("no", "no template"),
    ] {
      let failure = await #expect(throws: TemplateFailure.self) { try await service.renderEmail(TemplateRequest(name)) }
      #expect(failure?.message.contains(words) == true, "\(failure?.message ?? "")")
    }
  }

  @Test func whatAPluginsHelperGivesIsNotKept() async throws {
    let folder = try TemporaryFolder([
      "a.hbs": "{{mine}}", "b.hbs": "---\ncache: true\n---\n{{mine}}", "c.hbs": "---\ncache: false\n---\n{{x}}",
    ])
    let service = try service(folder.path)
    _ = try service.library.refresh(helpers: .standard.merging(["mine": Helper { _ in 1 }]))
    for (name, isKept) in [("a", false), ("b", true), ("c", false)] {
      _ = try await service.render(TemplateRequest(name, data: ["x": 1]))
      #expect(try await service.render(TemplateRequest(name, data: ["x": 1])).isCached == isKept, "\(name)")
    }
  }

  @Test func repeatedRenderingsComeFromTheCache() async throws {
    let folder = try TemporaryFolder(["a.hbs": "{{x}}", "b.hbs": "{{now 'YYYY'}}{{x}}"])
    let service = try service(folder.path)
    for isCached in [false, true] {
      #expect(try await service.render(TemplateRequest("a", data: ["x": 1])).isCached == isCached)
      #expect(try await service.render(TemplateRequest("b", data: ["x": 1])).isCached == false)
    }
    #expect(try await service.render(TemplateRequest("a", data: ["x": 2])).isCached == false)
    #expect(service.cache.statistics.hits == 1)
  }

  // MARK: Routes

  private func routes(_ service: TemplateService) throws -> TestRoutes {
    try TestRoutes(TemplatesRoutes(service: service, access: .open, renderAccess: .open).routes)
  }

  @Test func routesAnswer() async throws {
    let folder = try TemporaryFolder([
      "a.hbs": "---\nsubject: S {{x}}\nrequires:\n  x: string\n---\n<p>{{x}}</p>", "a.sample.json": "{\"x\":\"<s>\"}",
      "m/b.mustache": "{{x}}",
      "bad.hbs": "{{#if}}",
    ])
    let routes = try routes(try service(folder.path))
    let list = try await routes.get("/templates").json
    #expect(list["templates"]?.arrayValue?.compactMap { $0["name"]?.stringValue } == ["a", "m/b"])
    #expect(list["errors"]?[0]?["path"] == "bad.hbs")
    #expect(try await routes.get("/templates/a").json["variants"]?[0]?["requires"] == ["x": "string"])
    #expect(await routes.get("/templates/zz").status == .notFound)
    let rendered = try await routes.post("/templates/a/render", json: ["data": ["x": "<y>"]] as JSONValue)
    #expect(try rendered.json["content"] == "<p>&lt;y&gt;</p>")
    let slashed = try await routes.post("/templates/m:b/render", json: ["data": ["x": "z"]] as JSONValue)
    #expect(try slashed.json["content"] == "z")
    #expect(try await routes.post("/templates/a/render", json: [:] as JSONValue).status == .unprocessableContent)
    let mail = try await routes.post("/templates/a/render-email", json: ["data": ["x": "y"]] as JSONValue)
    #expect(try mail.json["subject"] == "S y")
    #expect(try mail.json["text"] == "y\n")
    let injected = try await routes.post("/templates/a/render-email", json: ["data": ["x": "y\r\nBcc: z"]] as JSONValue)
    #expect(injected.status == .unprocessableContent)
    let document = try await routes.post(
      "/templates/a/render-document", json: ["data": ["x": "y"], "format": "markdown"] as JSONValue)
    #expect(document.text == "y\n")
    #expect(document.headers[.contentDisposition] == "attachment; filename=\"a.md\"")
    let preview = await routes.get("/templates/a/preview")
    #expect(preview.text == "<p>&lt;s&gt;</p>")
    #expect(preview.headers[.contentSecurityPolicy]?.contains("sandbox") == true)
    let metrics = try await routes.get("/templates/metrics").json
    #expect(metrics["total"]?["count"]?.integerValue ?? 0 >= 5, "\(metrics)")
    #expect(try await routes.get("/templates/cache/stats").json["entries"]?.integerValue ?? 0 > 0)
    #expect(try await routes.delete("/templates/cache").json["removed"]?.integerValue ?? 0 > 0)
  }

  @Test func documentsAreMadeOfMarkdown() async throws {
    let folder = try TemporaryFolder([
      "note.md.hbs": "# Note for {{name}}\n\n{{#each items}}\n- {{this}}\n{{/each}}\n",
      "plain.csv.hbs": "a,b\n",
    ])
    let service = try service(folder.path)
    let request = TemplateRequest("note", data: ["name": "<b>Ada</b>", "items": ["*one*", "[x](javascript:a)"]])
    func document(_ format: DocumentFormat) async throws -> (text: String, type: String, name: String) {
      let document = try await service.renderDocument(request, as: format)
      return (String(decoding: document.content, as: UTF8.self), document.contentType, document.fileName)
    }
    let markdown = try await document(.markdown)
    #expect(
      markdown.text == "# Note for \\<b\\>Ada\\</b\\>\n\n- \\*one\\*\n- \\[x\\]\\(javascript:a\\)\n")
    #expect(markdown.type == "text/markdown; charset=utf-8" && markdown.name == "note.md")
    let page = try await document(.html)
    #expect(page.text.contains("<h1>Note for &lt;b&gt;Ada&lt;/b&gt;</h1>\n<ul>\n<li>*one*</li>"))
    #expect(page.text.contains("<title>Note for &lt;b&gt;Ada&lt;/b&gt;</title>"))
    #expect(!page.text.contains("href"))
    #expect(page.type == "text/html; charset=utf-8" && page.name == "note.html")
    let plain = try await document(.text).text
    #expect(plain == "Note for <b>Ada</b>\n\n- *one*\n- [x](javascript:a)\n")
    let failure = await #expect(throws: TemplateFailure.self) {
      try await service.renderDocument(TemplateRequest("plain"), as: .html)
    }
    #expect(failure?.code == .notFound)
  }

  @Test func bodiesAreChecked() async throws {
    let folder = try TemporaryFolder([
      "a.hbs": "---\nstrict: false\n---\n{{#each this}}{{@key}},{{/each}}", "bad.hbs": "{{#if}}",
      "m.hbs": "---\nsubject: {{y}}\n---\n{{x}}",
    ])
    let service = try service(folder.path)
    let routes = try routes(service)
    let ordered = try await routes.post(
      "/templates/a/render", json: ["data": ["z": 1, "b": 2, "10": 3, "a": 4, "2": 5]] as JSONValue)
    #expect(try ordered.json["content"] == "z,b,10,a,2,")
    let bodies: [(JSONValue, String)] = [
      ([1], "must be an object"), ("x", "must be an object"), (["data": [1]], "'data' must be an object"),
      (["data": "x"], "'data' must be an object"), (["locale": 5], "'locale' must be a string"),
      (["version": "2"], "'version' must be a whole number"), (["version": 0], "'version' must be a whole number"),
      (["version": 1.5], "'version' must be a whole number"), (["name": "Ada"], "stands in 'data'"),
      (["format": ["html"]], "'format' must be a string"), (["format": "exe"], "a format is one of"),
      (["locale": "../.."], "a locale is a tag"),
    ]
    for (body, words) in bodies {
      let answer = try await routes.post("/templates/a/render", json: body)
      #expect(answer.status == .unprocessableContent)
      #expect(try answer.json["detail"]?.stringValue?.contains(words) == true, "\(answer.text)")
    }
    #expect(
      try await routes.post("/templates/a/render", json: ["data": .null, "version": .null] as JSONValue).status == .ok)
    for name in ["__proto__", "constructor", "..:..:etc:passwd", ":etc:passwd", "a.hbs", "A"] {
      #expect(try await routes.post("/templates/\(name)/render", json: [:] as JSONValue).status == .notFound, "\(name)")
    }
    for path in ["/templates/bad/preview", "/templates/bad"] {
      let faulty = await routes.get(path)
      #expect(faulty.status == .unprocessableContent && faulty.text.contains("bad.hbs:1:"), "\(faulty.text)")
    }
  }

  /// What a template that is there could not be rendered for counts as a failure, whatever the step.
  @Test func failuresAreCounted() async throws {
    let folder = try TemporaryFolder([
      "m.hbs": "---\nsubject: {{y}}\nrequires:\n  x: string\n---\n{{x}}"
    ])
    let service = try service(folder.path) { $0.pdfProgram = .wkhtmltopdf }
    _ = try? await service.render(TemplateRequest("gone"))
    #expect(service.statistics.snapshot.failures == 0)
    _ = try? await service.render(TemplateRequest("m"))
    #expect(service.statistics.snapshot.failures == 1)
    _ = try? await service.renderEmail(TemplateRequest("m", data: ["x": "a", "y": "b\nc"]))
    #expect(service.statistics.snapshot.failures == 2)
    _ = try? await service.renderDocument(TemplateRequest("m", data: [:]), as: .html)
    #expect(service.statistics.snapshot.failures == 3)
    _ = try await service.renderEmail(TemplateRequest("m", data: ["x": "a", "y": "b"]))
    #expect(service.statistics.snapshot.failures == 3 && service.statistics.snapshot.total.count == 1)
  }

  @Test func everyRenderingIsTold() async throws {
    let folder = try TemporaryFolder(["m.hbs": "---\nsubject: {{x}}\nversion: 3\n---\n<p>{{x}}</p>"])
    let bus = EventBus()
    let recorder = EventRecorder(bus, "templates.template-rendered")
    let service = try service(folder.path, bus: bus)
    let request = TemplateRequest("m", data: ["x": "secret"])
    for _ in 0..<2 { _ = try await service.render(request) }
    _ = try await service.renderEmail(request)
    _ = try await service.renderDocument(request, as: .text)
    try await eventually { recorder.events.count == 4 }
    let told = recorder.events(of: TemplateRendered.self)
    #expect(told.map(\.format) == ["html", "html", "email", "text"])
    #expect(told.map(\.isCached) == [false, true, false, false])
    #expect(told.map(\.bytes) == [13, 13, 13, 7])
    #expect(told.allSatisfy { $0.template == "m" && $0.version == 3 && $0.locale == nil })
    #expect(!recorder.events.contains { "\($0)".contains("secret") })
    #expect(service.statistics.snapshot.templates["m"]?.count == 4)
  }

  @Test func outputAndDepthAreLimitedByTheConfiguration() async throws {
    let folder = try TemporaryFolder(["a.hbs": "{{#each x}}0123456789{{/each}}", "b.hbs": "{{> b}}"])
    let service = try service(folder.path) {
      $0.maxOutput = ByteCount(bytes: 100)
      $0.maxDepth = 5
    }
    let ten = TemplateRequest("a", data: ["x": .array(Array(repeating: 1, count: 10))])
    #expect(try await service.render(ten).content.utf8.count == 100)
    let eleven = TemplateRequest("a", data: ["x": .array(Array(repeating: 1, count: 11))])
    for (request, place) in [(eleven, "a.hbs:1:"), (TemplateRequest("b"), "b.hbs:1:1")] {
      let failure = await #expect(throws: TemplateFailure.self) { try await service.render(request) }
      #expect(
        failure?.code == .renderingFailed && failure?.message.contains(place) == true, "\(failure?.message ?? "")")
    }
  }

  @Test func requestsAreChecked() async throws {
    let folder = try TemporaryFolder(["a.hbs": "{{x}}"])
    let service = try service(folder.path)
    for request in [
      TemplateRequest("a", data: ["x": 1], locale: "../x"), TemplateRequest("a", data: ["x": 1], locale: "e"),
      TemplateRequest("a", data: ["x": 1], locale: String(repeating: "a", count: 36)),
      TemplateRequest("a", data: ["x": 1], format: "exe"),
    ] {
      let failure = await #expect(throws: TemplateFailure.self) { try await service.render(request) }
      #expect(failure?.code == .invalidData)
    }
    let mail = await #expect(throws: TemplateFailure.self) {
      try await service.renderEmail(TemplateRequest("a", data: ["x": 1]))
    }
    #expect(mail?.code == .renderingFailed)
  }

  @Test func previewsOfMarkdownArePages() async throws {
    let folder = try TemporaryFolder(["n.md.hbs": "# {{x}}", "n.sample.json": "{\"x\": \"<s>\"}"])
    let routes = try routes(try service(folder.path))
    let page = await routes.get("/templates/n/preview")
    #expect(page.headers[.contentType] == "text/html; charset=utf-8")
    #expect(page.text.contains("<h1>&lt;s&gt;</h1>"))
    #expect(await routes.get("/templates/n/preview?format=markdown").text == "# \\<s\\>")
  }

  @Test func enginesMix() async throws {
    let folder = try TemporaryFolder([
      "layouts/page.ejs": "<main><%- include('@partial-block') %></main>",
      "partials/head.mustache": "<h1>{{title}}</h1>",
      "a.ejs": "---\nlayout: layouts/page\nsubject: <%= uppercase(title) %>\n---\n<%- include('head') %><%= title %>",
      "b.txt": "no template", "b.txt.hbs": "---\nengine: ejs\n---\n<% if (title) { %>yes<% } %>",
    ])
    let service = try service(folder.path)
    #expect(service.library.generation.faults == [])
    let data: JSONValue = ["title": "<t>"]
    #expect(
      try await service.render(TemplateRequest("a", data: data)).content
        == "<main><h1>&lt;t&gt;</h1>&lt;t&gt;</main>")
    #expect(try await service.renderEmail(TemplateRequest("a", data: data)).subject == "<T>")
    #expect(try await service.render(TemplateRequest("b", data: data)).content == "yes")
  }

  // MARK: The host

  @Test func changesAreTakenOverInARunningHost() async throws {
    let folder = try TemporaryFolder(["a.hbs": "one {{x}}"])
    let clock = ManualClock()
    let manifest = "plugins: { templates: { folders: [\(folder.path)], watch_interval: 1s } }"
    try await withHost([TemplatesPlugin.self], manifest: manifest, clock: clock) { host in
      let recorder = EventRecorder(host.events, "templates.*")
      await clock.waitForSleeper(due: .seconds(1))
      try folder.write("a.hbs", "second {{x}}")
      clock.advance(by: .seconds(1))
      let reloaded = try await recorder.next(TemplatesReloaded.self)
      #expect(reloaded.generation == 2)
      #expect(reloaded.templates == 1)
    }
  }

  /// Helpers may come after the templates that call them, also where the folders are not watched.
  @Test func helpersOfOtherPluginsAreTakenOver() async throws {
    struct Reader: Plugin {
      static let templates = Mutex<(any TemplateRendering)?>(nil)
      static let manifest = PluginManifest(
        name: "reader", version: "1", summary: "", requires: [.capability(.templates)])

      init(configuration: NoConfiguration, context: PluginContext) async throws {
        let templates = try context.require(.templates)
        Self.templates.withLock { $0 = templates }
      }
    }
    let folder = try TemporaryFolder(["a.hbs": "{{#box 'note'}}{{greet x}}{{/box}}"])
    let manifest = "plugins: { templates: { folders: [\(folder.path)], watch: false }, reader: {}, greetings: {} }"
    try await withHost([TemplatesPlugin.self, Reader.self, GreetingsPlugin.self], manifest: manifest) { _ in
      let templates = try #require(Reader.templates.withLock { $0 })
      try await eventually { templates.templateNames == ["a"] }
      let greeting = try await templates.render(TemplateRequest("a", data: ["x": "<Ada>"]))
      #expect(greeting.content == "<div class=\"note\">Hello &lt;Ada&gt;</div>")
      let failure = await #expect(throws: TemplateFailure.self) {
        try await templates.render(TemplateRequest("a", data: ["x": 1]))
      }
      #expect(failure?.message.contains("greet: the name is not a text") == true)
    }
  }

  @Test func keepsTheContractOfPlugins() async throws {
    let folder = try TemporaryFolder(["a.hbs": "one"])
    try await PluginConformance.check(TemplatesPlugin.self, manifest: "folders: [\(folder.path)]")
  }
}
