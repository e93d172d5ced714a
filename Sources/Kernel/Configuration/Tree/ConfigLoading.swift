/// Loads one configuration: file, included files, profile, command line; then substitutions. What comes later wins.
///
/// Environment variables that fields are bound to outrank the profile; the decoder looks at them.
struct ConfigLoading {
  private let source: ConfigSource
  private var issues: [ConfigIssue] = []
  private var sources = ConfigSources()
  private var watched: [String] = []
  private var snapshot = ConfigSnapshot()
  private var layers: [ConfigTree] = []
  private var profileLayers: [ConfigTree] = []
  private var profileNames: [String] = []
  private var includes = 0

  init(_ source: ConfigSource) { self.source = source }

  mutating func load() -> ConfigLoad {
    include(source.file, from: nil, chain: [])
    includeProfile()
    let whole = substituted(overridden(merged()))
    return ConfigLoad(
      tree: whole, issues: issues, watchedFiles: watched, snapshot: snapshot, sources: sources,
      environment: source.environment)
  }

  // MARK: files

  /// Reads a file and what it includes. `chain` is the way of includes that led here, as absolute paths.
  private mutating func include(_ file: String, from place: ConfigOrigin?, chain: [String], isProfile: Bool = false) {
    let path = FilePath.absolute(file, in: source.files.workingDirectory)
    watch(path)
    if chain.contains(path) {
      return issues.append(
        ConfigIssue(
          .includeCycle, at: place ?? .standard, path: "include",
          "the file includes itself: \((chain + [path]).map(Self.name).joined(separator: " → "))",
          remedy: "remove one of the includes"))
    }
    guard let layer = layer(file, path, from: place) else { return }
    if isProfile { profileLayers.append(layer.tree) } else { layers.append(layer.tree) }
    take(layer.profiles, isProfile: isProfile)
    for item in layer.includes { follow(item, in: file, chain: chain + [path], isProfile: isProfile) }
  }

  private mutating func follow(_ item: ConfigTree, in file: String, chain: [String], isProfile: Bool) {
    includes += 1
    guard includes <= source.limits.includes else {
      if includes == source.limits.includes + 1 {
        issues.append(
          ConfigIssue(
            .limit, at: item.origin, path: "include", "more than \(source.limits.includes) files are included",
            remedy: "include fewer files"))
      }
      return
    }
    var substitution = ConfigSubstitution(environment: source.environment) { _, _ in .failure(.notAFile) }
    let name = substitution.apply(to: item, at: "include")
    issues += substitution.issues
    guard let text = name.scalar?.text, !text.isEmpty else { return }
    include(FilePath.relative(text, to: file), from: item.origin, chain: chain, isProfile: isProfile)
  }

  private mutating func layer(_ file: String, _ path: String, from place: ConfigOrigin?) -> ConfigLayer? {
    let bytes: [UInt8]
    do {
      bytes = try source.files.read(path, limit: source.limits.fileSize)
      snapshot.note(bytes, from: path)
    } catch {
      let here = ConfigOrigin.file(SourceMark(file: file, line: 1, column: 1))
      issues.append(
        ConfigIssue(
          .unreadableFile, at: place ?? here, "the file \(file) \(error)", remedy: Self.remedy(for: error, place)))
      return nil
    }
    let document = YAMLDocument(bytes, file: file, limits: source.limits)
    sources.add(document.text, of: file)
    sources.secretMarks += document.hiddenMarks
    issues += document.issues
    guard let tree = document.tree else { return nil }
    let layer = ConfigLayer(tree)
    issues += layer.issues
    sources.secretMarks += layer.hiddenMarks
    return layer
  }

  private static func remedy(for error: ConfigFileError, _ place: ConfigOrigin?) -> String? {
    switch error {
    case .notFound where place == nil: "name the manifest, or create one with: mainstay new host"
    case .notFound: "create the file, or correct the path; relative paths start at the including file"
    case .notPermitted: "let the process's user read the file"
    case .tooLarge: "split the file with include:"
    case .notAFile, .failed: nil
    }
  }

  private mutating func watch(_ path: String) {
    snapshot.look(at: path)
    if !watched.contains(path) { watched.append(path) }
  }

  private static func name(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  // MARK: profiles

  private mutating func take(_ profiles: [ConfigEntry], isProfile: Bool) {
    profileNames += profiles.map(\.key)
    // Nobody decodes a profile that is not chosen, so that excerpts must not show it.
    sources.secretMarks += profiles.filter { $0.key != source.profile }.flatMap(\.value.scalarMarks)
    if isProfile, let first = profiles.first {
      issues.append(
        ConfigIssue(
          .unknownKey, at: first.keyOrigin, path: "profiles", "a profile's own file cannot hold profiles",
          remedy: "put its content at the top level of the file"))
    } else if let name = source.profile, let profile = profiles.first(where: { $0.key == name }) {
      profileLayers.append(profile.value)
    }
  }

  /// Reads `host.production.yaml` beside `host.yaml`, if it is there.
  private mutating func includeProfile() {
    guard let profile = source.profile else { return }
    guard Self.isName(profile) else {
      return issues.append(
        ConfigIssue(
          .unknownProfile, at: .commandLine("--profile"), "'\(profile.prefix(60))' cannot be the name of a profile",
          remedy: "use letters, digits, - and _"))
    }
    let file = FilePath.sibling(of: source.file, profile: profile)
    let path = FilePath.absolute(file, in: source.files.workingDirectory)
    let main = FilePath.absolute(source.file, in: source.files.workingDirectory)
    snapshot.look(at: path)
    if case .failure(.notFound) = read(path, limit: source.limits.fileSize) {
      watch(path)
      if !profileNames.contains(profile), !layers.isEmpty { refuse(profile, file) }
    } else {
      include(file, from: nil, chain: [main], isProfile: true)
    }
  }

  private mutating func refuse(_ profile: String, _ file: String) {
    let known = Array(Set(profileNames))
    let remedy =
      Spelling.closest(to: profile, among: known).map { "did you mean '\($0)'?" }
      ?? "add profiles.\(profile) or the file \(file)"
      + (known.isEmpty ? "" : "; known profiles: \(known.sorted().joined(separator: ", "))")
    issues.append(
      ConfigIssue(
        .unknownProfile, at: .file(SourceMark(file: source.file, line: 1, column: 1)), path: "profiles",
        "there is no profile '\(profile)'", remedy: remedy))
  }

  private static func isName(_ profile: String) -> Bool {
    !profile.isEmpty && profile.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
  }

  // MARK: layers

  private mutating func merged() -> ConfigTree {
    var merge = ConfigMerge()
    let empty = ConfigTree(.map([]), origin: .file(SourceMark(file: source.file, line: 1, column: 1)))
    let tree = (layers + profileLayers).reduce(empty) { merge.merge($0, with: $1) }
    issues += merge.warnings
    sources.secretMarks += merge.hiddenMarks
    return tree
  }

  private mutating func overridden(_ tree: ConfigTree) -> ConfigTree {
    var tree = tree
    for argument in source.overrides {
      do {
        let plugins = (tree["plugins"]?.map ?? []).map(\.key)
        let override = try ConfigOverride(argument, plugins: plugins, limits: source.limits)
        sources.secretMarks += tree.value(at: override.path)?.scalarMarks ?? []
        tree = try override.apply(to: tree)
      } catch {
        issues.append(error)
      }
    }
    return tree
  }

  private mutating func substituted(_ tree: ConfigTree) -> ConfigTree {
    var cache: [String: Result<String, ConfigFileError>] = [:]
    let directory = source.files.workingDirectory
    let loading = self
    var looked = snapshot
    var substitution = ConfigSubstitution(environment: source.environment) { name, origin in
      let file = origin.mark?.file ?? loading.source.file
      let path = FilePath.absolute(FilePath.relative(name, to: file), in: directory)
      if let known = cache[path] { return known }
      looked.look(at: path)
      let bytes = loading.read(path, limit: loading.source.limits.secretSize)
      if case .success(let bytes) = bytes { looked.note(bytes, from: path) }
      let text = bytes.flatMap(Self.secret)
      cache[path] = text
      return text
    }
    let result = substitution.apply(to: tree)
    issues += substitution.issues
    snapshot = looked
    for path in cache.keys.sorted() { watch(path) }
    return result
  }

  private func read(_ path: String, limit: Int) -> Result<[UInt8], ConfigFileError> {
    do {
      return .success(try source.files.read(path, limit: limit))
    } catch {
      return .failure(error)
    }
  }

  /// A secret's text: without the line break at its end.
  private static func secret(_ bytes: [UInt8]) -> Result<String, ConfigFileError> {
    guard let text = String(validating: bytes, as: UTF8.self) else { return .failure(.failed("it is not UTF-8")) }
    guard !text.utf8.contains(0) else { return .failure(.failed("it has a NUL character")) }
    return .success(text.last.map { $0 == "\n" || $0 == "\r\n" } ?? false ? String(text.dropLast()) : text)
  }
}
