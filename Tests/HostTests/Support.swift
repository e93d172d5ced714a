import Foundation

/// A folder with a manifest, in which a program is run.
final class Folder {
  struct Result {
    let status: Int32
    let output: String
    let errors: String
  }

  private let url: URL
  private let program: String

  init(manifest: String, program: String = "mainstay") throws {
    self.program = program
    url = FileManager.default.temporaryDirectory.appending(path: "mainstay-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    try write(manifest)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ manifest: String) throws {
    try manifest.write(to: url.appending(path: "host.yaml"), atomically: true, encoding: .utf8)
  }

  func run(_ arguments: String...) throws -> Result { try run(arguments) }

  func run(_ arguments: [String]) throws -> Result {
    let run = try start(arguments)
    run.process.waitUntilExit()
    return Result(status: run.process.terminationStatus, output: run.output, errors: run.errors)
  }

  func start(_ arguments: String...) throws -> Running { try start(arguments) }

  private func start(_ arguments: [String]) throws -> Running {
    let process = Process()
    // Programs are built beside the tests.
    process.executableURL = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: program)
    process.arguments = arguments
    process.currentDirectoryURL = url
    return try Running(process, in: url)
  }
}

/// A process whose output goes to files, so that a full pipe never stops it.
final class Running {
  let process: Process
  private let files: (output: URL, errors: URL)

  init(_ process: Process, in folder: URL) throws {
    self.process = process
    let name = UUID().uuidString
    files = (folder.appending(path: name + ".out"), folder.appending(path: name + ".err"))
    for file in [files.output, files.errors] { try Data().write(to: file) }
    process.standardOutput = try FileHandle(forWritingTo: files.output)
    process.standardError = try FileHandle(forWritingTo: files.errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  var output: String { (try? String(contentsOf: files.output, encoding: .utf8)) ?? "" }
  var errors: String { (try? String(contentsOf: files.errors, encoding: .utf8)) ?? "" }

  /// Waits until the process has printed a text, or fails when it ends or a minute has passed.
  func wait(for text: String) throws {
    let deadline = ContinuousClock.now.advanced(by: .seconds(60))
    while !output.contains(text), !errors.contains(text) {
      guard process.isRunning, ContinuousClock.now < deadline else { throw Missing(text: text, errors: errors) }
      usleep(5_000)
    }
  }

  /// Waits until the process has ended: its exit code, or nil if a signal ended it. One that lives on after a minute is
  /// killed.
  func end() throws -> Int32? {
    let deadline = ContinuousClock.now.advanced(by: .seconds(60))
    while process.isRunning {
      guard ContinuousClock.now < deadline else {
        kill(process.processIdentifier, SIGKILL)
        throw Missing(text: "its last words", errors: errors)
      }
      usleep(5_000)
    }
    return process.terminationReason == .exit ? process.terminationStatus : nil
  }

  struct Missing: Error, CustomStringConvertible {
    let text: String
    let errors: String
    var description: String { "the program never printed '\(text)'; it said: \(errors)" }
  }
}
