public import ArgumentParser
import Glibc
public import MainstayKernel
import Synchronization

/// A program that runs a host: its name, its version, and the plugins it links.
///
/// ```swift
/// @main struct Clinic {
///   static func main() async {
///     await HostProgram(name: "clinic", version: "1.0.0", plugins: [HTTPPlugin.self, ReportsPlugin.self]).main()
///   }
/// }
/// ```
/// It has the commands of `mainstay`: run, validate, graph, plugins, config, schema, doctor, new.
public struct HostProgram: Sendable {
  /// The program's name, as people type it.
  public let name: String
  /// The program's version.
  public let version: String
  /// The plugins that the program links.
  public let plugins: [PluginRegistration]
  /// Commands beyond those that every host has.
  public let commands: [any ParsableCommand.Type]

  /// A program that links these plugins.
  public init(
    name: String, version: String, plugins: [any Plugin.Type], commands: [any ParsableCommand.Type] = []
  ) {
    self.name = name
    self.version = version
    self.plugins = plugins.map { Self.register($0) }
    self.commands = commands
  }

  /// Parses the command line, runs the command, and exits: 0 done, 1 the manifest or the run is at fault, 64 usage.
  public func main() async -> Never {
    // Closed standard descriptors would be given to sockets, and output written into them.
    for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 { _ = open("/dev/null", O_RDWR) }
    Self.installed.withLock { $0 = self }
    await RootCommand.main()
    RootCommand.exit()
  }

  /// The program whose command line is being parsed.
  public static var current: HostProgram {
    installed.withLock { $0 } ?? HostProgram(name: "mainstay", version: "unknown", plugins: [])
  }

  private static let installed = Mutex<HostProgram?>(nil)

  private static func register<P: Plugin>(_ plugin: P.Type) -> PluginRegistration { PluginRegistration(plugin) }
}

/// The command line itself; what it offers comes from the ``HostProgram``.
struct RootCommand: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    let program = HostProgram.current
    return CommandConfiguration(
      commandName: program.name,
      abstract: "A plugin host for server-side Swift.",
      discussion: """
        Exit codes: 0 done; 1 the manifest or the run is at fault; 64 the command line is wrong.
        Shell completion: \(program.name) --generate-completion-script bash
        """,
      version: program.version,
      subcommands: [
        RunCommand.self, ValidateCommand.self, GraphCommand.self, PluginsCommand.self, ConfigCommand.self,
        SchemaCommand.self, DoctorCommand.self, NewCommand.self,
      ] + program.commands)
  }
}
