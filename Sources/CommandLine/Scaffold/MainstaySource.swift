import Glibc

/// Where a new package takes Mainstay from.
enum MainstaySource: Equatable {
  /// A checkout on this machine, relative to the new package or absolute.
  case path(String)
  /// A repository, from this version on.
  case url(String, version: String)

  /// The version that new packages ask for if nobody says otherwise.
  static let defaultVersion = "0.1.0"

  /// What `--mainstay` and `--mainstay-version` say; without them, the checkout that this program was built in.
  /// - Parameters:
  ///   - given: a URL or a path.
  ///   - version: the least version, for a URL.
  ///   - directory: the absolute path of the new package.
  ///   - checkout: the checkout that this program lies in, if it does.
  init(given: String?, version: String?, directory: String, checkout: String?) throws(ScaffoldError) {
    if let given, given.contains(where: { "\"\\\n\r".contains($0) }) {
      throw ScaffoldError("--mainstay may not hold quotes, backslashes or line ends: it is written into Package.swift")
    }
    if let given, given.contains("://") || given.hasPrefix("git@") {
      self = .url(given, version: try Self.checked(version ?? Self.defaultVersion))
      return
    }
    guard version == nil else {
      throw ScaffoldError("--mainstay-version is for a URL; a checkout has the version that it has")
    }
    guard let path = given.map(absolutePath) ?? checkout else {
      throw ScaffoldError(
        "this program does not lie in a checkout of Mainstay; say where to take it from: "
          + "--mainstay https://… or --mainstay ../mainstay")
    }
    guard isMainstay(path) else {
      throw ScaffoldError("\(path) is no checkout of Mainstay: it has no Package.swift of that name")
    }
    self = .path(relativePath(to: path, from: directory))
  }

  /// The package's identity, under which products are named.
  var identity: String {
    guard case .url(let url, _) = self else { return "mainstay" }
    let last = url.split { $0 == "/" || $0 == ":" }.last.map(String.init) ?? "mainstay"
    return (last.hasSuffix(".git") ? String(last.dropLast(4)) : last).lowercased()
  }

  /// The line of the dependency in Package.swift.
  func dependency(withDefaultTraits: Bool) -> String {
    let traits = withDefaultTraits ? "" : ", traits: []"
    return switch self {
    case .path(let path): ".package(name: \"mainstay\", path: \"\(path)\"\(traits))"
    case .url(let url, let version): ".package(url: \"\(url)\", from: \"\(version)\"\(traits))"
    }
  }

  /// A product of Mainstay as a target names it.
  func product(_ name: String) -> String { ".product(name: \"\(name)\", package: \"\(identity)\")" }

  private static func checked(_ version: String) throws(ScaffoldError) -> String {
    let numbers = version.split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count == 3, numbers.allSatisfy({ Int($0).map { $0 >= 0 } ?? false }) else {
      throw ScaffoldError("'\(version)' is not a version; write three numbers: \(defaultVersion)")
    }
    return version
  }
}

/// The checkout that the running program was built in: the nearest folder above it that holds Mainstay's package.
func enclosingCheckout() -> String? {
  guard let program = realpath("/proc/self/exe", nil) else { return nil }
  defer { free(program) }
  var folder = String(cString: program)
  while let slash = folder.lastIndex(of: "/"), slash > folder.startIndex {
    folder = String(folder[..<slash])
    if isMainstay(folder) { return folder }
  }
  return nil
}

/// Whether a folder holds Mainstay's own package.
func isMainstay(_ folder: String) -> Bool {
  readText(folder + "/Package.swift")?.contains("\n  name: \"mainstay\",") ?? false
}

/// A path made absolute, with `.` and `..` taken out, whether it exists or not.
func absolutePath(_ path: String) -> String {
  var parts: [Substring] = []
  for part in (path.hasPrefix("/") ? path : workingDirectory + "/" + path).split(separator: "/") {
    switch part {
    case ".": continue
    case "..": _ = parts.popLast()
    default: parts.append(part)
    }
  }
  return "/" + parts.joined(separator: "/")
}

/// The way from one absolute folder to another; the other itself where they share nothing but the root.
func relativePath(to target: String, from folder: String) -> String {
  let target = target.split(separator: "/"), folder = folder.split(separator: "/")
  let shared = zip(target, folder).prefix { $0 == $1 }.count
  guard shared > 0 else { return "/" + target.joined(separator: "/") }
  let way = Array(repeating: "..", count: folder.count - shared) + target.dropFirst(shared)
  return way.isEmpty ? "." : way.joined(separator: "/")
}

private var workingDirectory: String {
  guard let path = getcwd(nil, 0) else { return "/" }
  defer { free(path) }
  return String(cString: path)
}
