import ArgumentParser
import MainstayTesting
import Testing

@testable import MainstayCommandLine

/// 0 done, 1 the manifest or the run is at fault, 64 the command line is wrong.
@Suite struct ExitCodeTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func exitCode(_ arguments: [String]) -> Int32 {
    do {
      var command = try RootCommand.parseAsRoot(arguments)
      try command.run()
      return 0
    } catch {
      return RootCommand.exitCode(for: error).rawValue
    }
  }

  @Test func validManifestIsDone() throws {
    try folder.write("host.yaml", "plugins: {}\n")
    #expect(exitCode(["validate", folder.path + "/host.yaml"]) == 0)
    #expect(exitCode(["graph", folder.path + "/host.yaml", "--format", "dot"]) == 0)
  }

  @Test func faultyManifestIsAtFault() throws {
    try folder.write("host.yaml", "plugins: { nonsense: {} }\n")
    #expect(exitCode(["validate", folder.path + "/host.yaml"]) == 1)
    #expect(exitCode(["graph", folder.path + "/host.yaml"]) == 1)
    #expect(exitCode(["validate", folder.path + "/missing.yaml"]) == 1)
  }

  @Test func wrongCommandLineIsUsage() {
    #expect(exitCode(["validat"]) == 64)
    #expect(exitCode(["graph", "--format", "xml"]) == 64)
    #expect(exitCode(["new", "plugin"]) == 64)
  }

  @Test func unfitNameIsAtFault() {
    #expect(exitCode(["new", "plugin", "bad-name"]) == 1)
    #expect(exitCode(["new", "host", "Bad"]) == 1)
    #expect(exitCode(["plugins", "nonsense"]) == 1)
  }

  @Test func helpIsDone() {
    #expect(exitCode(["--help"]) == 0)
    #expect(exitCode(["--version"]) == 0)
  }
}
