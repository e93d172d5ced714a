import Foundation
import MainstayDevServers

/// The servers' own clients.
enum Client {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  static func postgres(_ server: PostgresServer, _ statement: String) throws -> String {
    try psql(server.url, statement)
  }

  static func psql(_ url: String, _ statement: String) throws -> String {
    try run("psql", "--no-psqlrc", "-qAtw", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement)
  }

  static func redis(_ server: RedisServer, _ words: String...) throws -> String {
    try run(["redis-cli", "-s", server.socket] + words)
  }

  static func run(_ words: String...) throws -> String { try run(words) }

  static func run(_ words: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words
    let (output, errors) = (Pipe(), Pipe())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    // Both are short: neither pipe fills.
    let said = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    let complaint = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(description: complaint) }
    return said.hasSuffix("\n") ? String(said.dropLast()) : said
  }
}

/// A program that starts servers and waits to be killed.
final class Host {
  let process = Process()
  private let output = Pipe()

  init(temporaryFolder: String) throws {
    let tests = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    process.executableURL = tests.appending(path: "dev-servers-probe")
    process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": temporaryFolder]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  /// What it prints until it is ready; what it has printed if it ends before.
  func linesUntilReady() throws -> [Substring] {
    var text = ""
    while !text.contains("ready\n"), let data = try output.fileHandleForReading.read(upToCount: 1), !data.isEmpty {
      text += String(decoding: data, as: UTF8.self)
    }
    return text.split(separator: "\n")
  }
}

struct NeverHappened: Error {}

/// Looks again and again; what does not come within a minute is a failure.
func until(_ condition: () throws -> Bool) async throws {
  let deadline = ContinuousClock.now.advanced(by: .seconds(60))
  while try !condition() {
    guard ContinuousClock.now < deadline else { throw NeverHappened() }
    try await Task.sleep(for: .milliseconds(5))
  }
}

/// An empty folder with a short path that every user may enter.
func scratch() -> String {
  var name = Array("/tmp/devtest-XXXXXX".utf8CString)
  mkdtemp(&name)
  let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  chmod(path, 0o755)
  removeAtExit(path)
  return path
}

/// Folders to remove when the tests are over.
nonisolated(unsafe) private var folders: [String] = []  // because only `lock` gives access to it
private let lock = NSLock()
private let registered: Void = {
  atexit { lock.withLock { for folder in folders { try? FileManager.default.removeItem(atPath: folder) } } }
}()

private func removeAtExit(_ path: String) {
  _ = registered
  lock.withLock { folders.append(path) }
}

func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

func permissions(of path: String) -> Int? {
  (try? FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
}

/// Fields of proc(5), after the name of the program.
private func status(of process: Int32) -> [Substring] {
  let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
  return text.split(separator: ")").last?.split(separator: " ") ?? []
}

func state(of process: Int32) -> String? { status(of: process).first.map(String.init) }

func parent(of process: Int32) -> Int32? {
  let fields = status(of: process)
  return fields.count > 1 ? Int32(fields[1]) : nil
}

func children(of process: Int32) -> [Int32] {
  let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.compactMap { Int32($0) } ?? []
  return all.filter { parent(of: $0) == process }
}

/// A process that has ended and was not asked for its status yet counts as gone.
func isAlive(_ process: Int32) -> Bool { state(of: process).map { $0 != "Z" } ?? false }
