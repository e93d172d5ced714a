public import ArgumentParser
import Glibc
import MainstayCapabilities
import MainstayCommandLine
import MainstayKernel
import MainstayTemplating

/// `templates`: looks at the templates of a folder without a running host.
public struct TemplatesCommand: AsyncParsableCommand {
  /// Its name and its help.
  public static let configuration = CommandConfiguration(
    commandName: "templates",
    abstract: "Lists, checks and renders templates.",
    subcommands: [ListTemplates.self, CheckTemplates.self, RenderTemplate.self])

  /// The command, before its arguments are read.
  public init() {}
}

/// Which templates.
private struct FolderOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "A folder of templates. May be repeated; later ones win.")
  var folder: [String] = ["templates"]

  @Option(help: "A helper that a plugin of the host contributes, so that its name is known. May be repeated.")
  var helper: [String] = []

  var configuration: TemplatesConfiguration {
    var configuration = TemplatesConfiguration()
    configuration.folders = folder
    return configuration
  }

  private var helpers: HelperTable {
    var table = HelperTable.standard
    for name in helper {
      table[name] = Helper { call in throw call.error("a plugin of the host has this helper, and no host runs here") }
    }
    return table
  }

  /// A service over the folders as they are now.
  func service() throws -> TemplateService {
    let service = TemplateService(configuration: configuration, clock: SystemClock(), bus: EventBus())
    do {
      _ = try service.library.refresh(helpers: helpers)
    } catch {
      printError("error: \(error)")
      throw ExitCode(1)
    }
    return service
  }
}

struct ListTemplates: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the templates.")

  @OptionGroup private var folders: FolderOptions

  func run() async throws {
    let generation = try folders.service().library.generation
    for name in generation.names {
      for variant in generation.variants[name] ?? [] {
        let mail = variant.subject == nil ? "" : "  mail"
        printNow(
          "\(name)  \(variant.file.format.rawValue)  \(variant.file.locale ?? "-")  v\(TemplateService.version(of: variant))\(mail)  \(variant.file.path)"
        )
      }
    }
    guard !generation.faults.isEmpty else { return }
    printError("faults: \(generation.faults.count); 'templates check' says which")
  }
}

struct CheckTemplates: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Compiles every template and says what is wrong.",
    discussion: "Exit codes: 0 everything compiles; 1 something does not.")

  @OptionGroup private var folders: FolderOptions

  func run() async throws {
    let generation = try folders.service().library.generation
    for fault in generation.faults { printError("error: \(fault.message)\n") }
    printNow("templates: \(generation.names.count), faults: \(generation.faults.count)")
    if !generation.faults.isEmpty { throw ExitCode(1) }
  }
}

struct RenderTemplate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render", abstract: "Renders a template to standard output.")

  @OptionGroup private var folders: FolderOptions

  @Argument(help: "The template's name.")
  var name: String

  @Option(help: "A JSON file of data; without it, the template's sample data.")
  var data: String?

  @Option(help: "The language.")
  var locale: String?

  @Option(help: "html, text, markdown, csv; email for a mail as JSON; pdf.")
  var format: String?

  func run() async throws {
    let service = try folders.service()
    do {
      let request = TemplateRequest(name, data: try values(service), locale: locale, format: nil)
      if format == "email" {
        printNow(try JSONValue(encoding: await service.renderEmail(request)).pretty)
      } else if let document = format.flatMap({ DocumentFormat(rawValue: $0) }) {
        write(try await service.renderDocument(request, as: document).content)
      } else {
        var request = request
        request.format = format
        printNow(try await service.render(request).content)
      }
    } catch let failure as TemplateFailure {
      printError("error: \(failure)")
      throw ExitCode(1)
    }
  }

  private func values(_ service: TemplateService) throws -> JSONValue {
    guard let data else { return try service.sample(of: name) }
    do {
      return try JSONValue(parsing: try DiskFiles().read(data, limit: 64 << 20))
    } catch {
      throw TemplateFailure(.invalidData, "\(data): \(error)")
    }
  }

  private func write(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
