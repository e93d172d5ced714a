import Glibc
import MainstayKernel
import MainstayTemplating
import MainstayTesting
import Testing

@testable import MainstayTemplates

/// Files become templates; changes become generations.
@Suite struct LibraryTests {
  private func library(_ folder: TemporaryFolder) throws -> TemplateLibrary {
    let library = TemplateLibrary(folders: [TemplateFolder(root: folder.path)], missing: .strict)
    _ = try library.refresh(helpers: .standard)
    return library
  }

  @Test func aFolderThatIsNotThere() throws {
    let folder = try TemporaryFolder()
    let absent = "\(folder.path)/later"
    let error = #expect(throws: TemplateLibraryError.self) {
      try TemplateLibrary(folders: [TemplateFolder(root: absent)], missing: .strict).refresh(helpers: .standard)
    }
    #expect(error?.message == "the folder \(absent) does not exist; create it, or set plugins.templates.folders")

    let library = TemplateLibrary(folders: [TemplateFolder(root: absent, isOptional: true)], missing: .strict)
    #expect(try library.refresh(helpers: .standard)?.names.isEmpty == true)
    #expect(mkdir(absent, 0o700) == 0)
    try folder.write("later/a.html.hbs", "x")
    #expect(try library.refresh(helpers: .standard)?.names == ["a"])
  }

  @Test func onlyTheFolderThatNobodyNamedMayBeMissing() {
    var configuration = TemplatesConfiguration()
    #expect(configuration.templateFolders.map(\.root) == ["templates"])
    #expect(configuration.templateFolders.allSatisfy { $0.isOptional })
    configuration.folders = ["pages"]
    #expect(!configuration.templateFolders.contains { $0.isOptional })
  }

  @Test func namesOfFilesSayWhatTheyAre() throws {
    let file = try #require(TemplateFile(path: "mail/welcome@2.de-CH.txt.hbs"))
    #expect(file.name == "mail/welcome")
    #expect(file.version == 2)
    #expect(file.locale == "de-CH")
    #expect(file.format == .text)
    #expect(TemplateFile(path: "a.mustache")?.dialect == .mustache)
    #expect(TemplateFile(path: "a.b.hbs")?.name == "a.b")
    for path in ["a.txt", ".hbs", ".a.hbs", ".git/a.hbs", "hbs", "a.json"] {
      #expect(TemplateFile(path: path) == nil, "\(path)")
    }
  }

  @Test func frontMatterIsRead() throws {
    let text =
      "---\nsubject: \"Hi: {{a}}\"\nversion: 3\nrequires:\n  a.b: string\n  c?: list\nattachments:\n  - x.pdf\n---\nbody {{a}}"
    let (matter, body, line) = try FrontMatter.read(text)
    #expect(matter.subject == "Hi: {{a}}")
    #expect(matter.version == 3)
    #expect(matter.attachments == ["x.pdf"])
    #expect(body == "body {{a}}")
    #expect(line == 10)
    #expect(matter.objections(to: ["a": ["b": 1]]) == ["'a.b' must be a text"])
    #expect(matter.objections(to: [:]) == ["'a.b' is missing"])
    #expect(matter.objections(to: ["a": ["b": "x"], "c": 1]) == ["'c' must be a list"])
  }

  @Test(arguments: [
    ("---\nsubject: a", 1), ("---\nnope: a\n---\n", 2), ("---\n\nversion: x\n---\n", 3),
    ("---\nrequires:\n  a: thing\n---\n", 3),
    ("---\n  a\n---\n", 2),
  ])
  func mistakesInFrontMatterHaveALine(_ text: String, _ line: Int) {
    let mistake = #expect(throws: FrontMatter.Mistake.self) { try FrontMatter.read(text) }
    #expect(mistake?.line == line)
  }

  @Test func theBestVariantIsChosen() throws {
    let folder = try TemporaryFolder([
      "a.html.hbs": "en1", "a@2.html.hbs": "en2", "a@2.de.html.hbs": "de2", "a@2.txt.hbs": "text2",
      "a@2.de-CH.html.hbs": "ch2",
    ])
    let generation = try library(folder).generation
    func content(_ locale: String?, _ format: TemplateFormat? = nil, _ version: Int? = nil) throws -> String? {
      try generation.variant("a", locale: locale, format: format, version: version, defaultLocale: "fr")?.template
        .render([:])
    }
    #expect(try content(nil) == "en2")
    #expect(try content("de-AT") == "de2")
    #expect(try content("de-CH") == "ch2")
    #expect(try content("it", .text) == "text2")
    #expect(try content("de", nil, 1) == "en1")
    #expect(try content(nil, nil, 9) == nil)
  }

  @Test func changesMakeGenerationsAndFaultsKeepTheLastGoodOne() throws {
    let folder = try TemporaryFolder(["partials/p.hbs": "one", "a.hbs": "[{{> p}}]"])
    let library = try library(folder)
    let first = library.generation
    #expect(try library.refresh(helpers: .standard) == nil)
    try folder.write("partials/p.hbs", "second")
    let second = try #require(try library.refresh(helpers: .standard))
    #expect(second.number == first.number + 1)
    #expect(try second.variants["a"]?.first?.template.render([:]) == "[second]")
    #expect(try first.variants["a"]?.first?.template.render([:]) == "[one]")
    try folder.write("partials/p.hbs", "{{#if")
    let faulty = try #require(try library.refresh(helpers: .standard))
    #expect(faulty.faults.map(\.path) == ["partials/p.hbs"])
    #expect(faulty.faults.first?.usesLastGood == true)
    #expect(faulty.faults.first?.message.contains("partials/p.hbs:1:") == true)
    #expect(try faulty.variants["a"]?.first?.template.render([:]) == "[second]")
    try folder.write("partials/p.hbs", "third!")
    let mended = try #require(try library.refresh(helpers: .standard))
    #expect(mended.faults == [])
    #expect(try mended.variants["a"]?.first?.template.render([:]) == "[third!]")
  }

  /// A partial of the same name may exist for each language and format.
  @Test func partialsFitTheLanguageAndTheFormat() throws {
    let folder = try TemporaryFolder([
      "mail.html.hbs": "<p>{{> foot}}{{> only}}", "mail.txt.hbs": "{{> foot}}", "mail.de.html.hbs": "<b>{{> foot}}",
      "mail.de-CH.txt.hbs": "{{> (lookup . 'name')}}", "mail.fr.html.hbs": "{{> foot}}", "partials/foot.html.hbs": "en",
      "partials/foot.txt.hbs": "text", "partials/foot.de.html.hbs": "de", "partials/foot.de.txt.hbs": "Text",
      "partials/foot@2.de.txt.hbs": "Text2", "partials/only.it.html.hbs": "it", "foot.html.hbs": "a template",
    ])
    let generation = try library(folder).generation
    #expect(generation.faults == [])
    func content(_ locale: String?, _ format: TemplateFormat) throws -> String? {
      try generation.variant("mail", locale: locale, format: format, version: nil, defaultLocale: "en")?.template
        .render(["name": "foot"])
    }
    #expect(try content(nil, .html) == "<p>enit")
    #expect(try content(nil, .text) == "text")
    #expect(try content("de", .html) == "<b>de")
    #expect(try content("de-CH", .text) == "Text2")
    #expect(try content("fr", .html) == "en")
  }

  /// What includes a partial that was removed goes on with what it was, and says so.
  @Test func partialsThatAreGoneStayInUse() throws {
    let folder = try TemporaryFolder(["partials/p.hbs": "one", "a.hbs": "[{{> p}}]", "b.hbs": "b"])
    let library = try library(folder)
    folder.remove("partials/p.hbs")
    for text in ["b", "changed"] {
      try folder.write("b.hbs", text)
      let generation = try #require(try library.refresh(helpers: .standard))
      #expect(generation.faults.map(\.path) == ["a.hbs"])
      #expect(generation.faults.first?.usesLastGood == true)
      #expect(generation.names == ["a", "b"])
      #expect(try generation.variants["a"]?.first?.template.render([:]) == "[one]")
    }
    try folder.write("a.hbs", "without")
    let without = try #require(try library.refresh(helpers: .standard))
    #expect(without.faults == [] && without.names == ["a", "b"])
    #expect(without.sources["partials/p.hbs"] == nil)
  }

  @Test func twoFilesCannotBeTheSameTemplate() throws {
    let folder = try TemporaryFolder([
      "a.html.hbs": "one", "a.hbs": "x", "a.mustache": "two", "a@1.ejs": "three", "a.de.hbs": "de", "a.md.hbs": "md",
    ])
    let generation = try library(folder).generation
    #expect(generation.faults.map(\.path) == ["a.html.hbs", "a.mustache", "a@1.ejs"])
    #expect(
      generation.faults.first?.message == "a.html.hbs: this is the same template as a.hbs; rename or remove one of them"
    )
    #expect(generation.variants["a"]?.count == 3)
  }

  @Test func errorsNameTheLineOfTheFile() throws {
    let folder = try TemporaryFolder([
      "a.hbs": "---\nversion: 1\n---\nx\n{{#if a}}", "b.hbs": "fine", "c.hbs": "{{> nope}}",
    ])
    let generation = try library(folder).generation
    #expect(generation.names == ["b"])
    #expect(generation.faults.map(\.message).sorted().first?.hasPrefix("a.hbs:5:1:") == true)
    #expect(generation.faults.count == 2)
  }

  @Test func layoutsAndSubjectsHaveToBeGood() throws {
    let folder = try TemporaryFolder([
      "a.hbs": "---\nlayout: ../../etc/passwd\n---\nx", "b.mustache": "---\nlayout: nope\nstrict: false\n---\nx",
      "c.hbs": "---\nsubject: {{#if}}\n---\nx", "d.hbs": "x", "layouts/l.hbs": "",
    ])
    let generation = try library(folder).generation
    #expect(generation.names == ["d"])
    #expect(generation.faults.map(\.path).sorted() == ["a.hbs", "b.mustache", "c.hbs"])
    #expect(generation.faults.first { $0.path == "b.mustache" }?.message.contains("there is no layout 'nope'") == true)
  }

  /// A file that cannot be used is no reason to do without the others.
  @Test func filesThatCannotBeReadAreFaultsOfTheirOwn() throws {
    let folder = try TemporaryFolder([
      "a.hbs": "one", "big.hbs": String(repeating: "x", count: 2 << 20), "c.hbs": "c",
    ])
    let library = try library(folder)
    #expect(library.generation.names == ["a", "c"])
    #expect(library.generation.faults.map(\.path) == ["big.hbs"])
    #expect(library.generation.faults.first?.message.contains("1MiB") == true)
    try folder.write("a.hbs", String(repeating: "x", count: 2 << 20))
    let second = try #require(try library.refresh(helpers: .standard))
    #expect(second.faults.map(\.path) == ["a.hbs", "big.hbs"])
    #expect(second.faults.first?.usesLastGood == true)
    #expect(try second.variants["a"]?.first?.template.render([:]) == "one")
    try folder.write("big.hbs", "small")
    try folder.write("a.hbs", "two")
    #expect(try library.refresh(helpers: .standard)?.names == ["a", "big", "c"])
  }

  @Test func linksLeadNowhereElse() throws {
    let outside = try TemporaryFolder(["secret.hbs": "secret", "secret.json": "{}", "deep/a.hbs": "a"])
    let folder = try TemporaryFolder(["a.hbs": "a", "sub/b.hbs": "b"])
    for (link, target) in [
      ("out.hbs", outside.path + "/secret.hbs"), ("out", outside.path),
      ("a.sample.json", outside.path + "/secret.json"),
      ("self", "."), ("sub/up", ".."), ("sub/loop", "loop"), ("gone.hbs", "nowhere"), ("in.hbs", "sub/b.hbs"),
      ("in", "sub"),
    ] { #expect(symlink(target, "\(folder.path)/\(link)") == 0) }
    mkfifo("\(folder.path)/pipe.hbs", 0o600)
    let library = try library(folder)
    #expect(library.generation.names.filter { !$0.hasPrefix("in/") } == ["a", "in", "sub/b"])
    #expect(library.generation.faults == [])
    for path in [
      "a.sample.json", "out/secret.json", "../secret.json", outside.path + "/secret.json", "pipe.hbs", "sub",
    ] {
      #expect(library.file(path) == nil, "\(path)")
    }
    #expect(library.file("sub/b.hbs") == "b")
  }

  @Test func theCacheKeepsItsBounds() {
    let cache = RenderCache(capacity: 2, mostBytes: 1000, timeToLive: .seconds(10))
    let now = ContinuousClock.now
    cache.keep("A", for: "a", at: now)
    cache.keep("B", for: "b", at: now)
    #expect(cache.value(for: "a", at: now) == "A")
    cache.keep("C", for: "c", at: now)
    #expect(cache.value(for: "b", at: now) == nil)
    #expect(cache.value(for: "a", at: now) == "A")
    #expect(cache.value(for: "a", at: now.advanced(by: .seconds(10))) == nil)
    cache.keep(String(repeating: "x", count: 300), for: "big", at: now)
    let statistics = cache.statistics
    #expect(statistics.hits == 2)
    #expect(statistics.misses == 2)
    #expect(statistics.expired == 1)
    #expect(statistics.evicted == 1)
    #expect(statistics.refused == 1)
    #expect(statistics.entries == 1)
    #expect(cache.clear() == 1)
    #expect(cache.statistics.bytes == 0)
    cache.keep("D", for: "d", at: now)
    #expect(cache.value(for: "d", at: now) == "D")
  }

  /// The cache against the plainest thing that does the same: a list in the order of use.
  @Test func theCacheIsWhatItsModelIs() {
    var random = SeededGenerator(seed: 17)
    let start = ContinuousClock.now
    for capacity in [1, 3, 8] {
      let cache = RenderCache(capacity: capacity, mostBytes: 1200, timeToLive: .seconds(20))
      var model: [(key: String, value: String, until: Int)] = []
      var (hits, misses) = (0, 0)
      for second in 0..<4000 {
        let now = start.advanced(by: .seconds(second))
        let key = String(Int.random(in: 0..<12, using: &random))
        let known = model.firstIndex { $0.key == key }
        switch Int.random(in: 0..<100, using: &random) {
        case 0:
          #expect(cache.clear() == model.count)
          model = []
        case 1..<50:
          let value = String(repeating: "x", count: Int.random(in: 0..<300, using: &random))
          cache.keep(value, for: key, at: now)
          let size = value.utf8.count + key.utf8.count + 64
          guard size <= 300 else { break }
          if let known { model.remove(at: known) }
          func bytes() -> Int { model.reduce(0) { $0 + $1.value.utf8.count + $1.key.utf8.count + 64 } }
          while model.count >= capacity || bytes() + size > 1200 { model.removeFirst() }
          model.append((key, value, second + 20))
        default:
          let found = cache.value(for: key, at: now)
          guard let known else {
            misses += 1
            #expect(found == nil)
            break
          }
          let entry = model.remove(at: known)
          if entry.until > second {
            hits += 1
            model.append(entry)
            #expect(found == entry.value)
          } else {
            misses += 1
            #expect(found == nil)
          }
        }
        #expect(cache.statistics.entries == model.count)
      }
      #expect(cache.statistics.hits == hits && cache.statistics.misses == misses)
      #expect(cache.clear() == model.count)
      #expect(cache.statistics.bytes == 0)
    }
  }
}
