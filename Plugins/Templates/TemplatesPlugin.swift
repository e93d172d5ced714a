import Logging
import MainstayCapabilities
import MainstayHTTP
public import MainstayKernel
import MainstayTemplating
import Synchronization

/// Renders pages, documents and mail from templates in folders.
public struct TemplatesPlugin: Plugin {
  /// `templates`
  public static let manifest = PluginManifest(
    name: "templates", version: "1.0.0", summary: "Renders Handlebars and Mustache templates: pages, documents, mail.",
    provides: [.capability(.templates)], contributes: [.point(.httpRoutes)], collects: [.point(.templateHelpers)],
    events: [TemplateRendered.self, TemplatesReloaded.self])

  private let configuration: TemplatesConfiguration
  private let context: PluginContext
  private let service: TemplateService
  private let helpers: Contributions<HelperTable>

  /// Reads the templates. Faulty ones do not keep the host from starting; they are told in the log and at `/templates`.
  public init(configuration: TemplatesConfiguration, context: PluginContext) async throws {
    self.configuration = configuration
    self.context = context
    service = TemplateService(configuration: configuration, clock: context.clock, bus: context.bus)
    helpers = try context.contributions(to: .templateHelpers)
    try refresh(isFirst: true)
    if let absent = configuration.absentFolder { context.logger.notice("\(absent)") }
    try context.provide(service, as: .templates)
    try context.contribute(
      TemplatesRoutes(
        service: service, access: RouteAccess(templates: configuration.access),
        renderAccess: RouteAccess(templates: configuration.renderAccess)
      ).routes)
  }

  /// Watches the folders, and the helpers that other plugins contribute.
  public func run() async throws {
    let (looks, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let changes = HelperChanges()
    helpers.observe { _ in
      changes.add()
      wake.yield()
    }
    await withThrowingTaskGroup(of: Void.self) { group in
      if configuration.watch {
        group.addTask {
          while true {
            try await context.clock.sleep(for: configuration.watchInterval)
            wake.yield()
          }
        }
      }
      var lastError = ""
      // Now every plugin has contributed what it has.
      tell(service.library.generation.faults.filter(\.isUnknownHelper))
      for await _ in looks {
        do {
          try refresh(force: changes.take())
          lastError = ""
        } catch {
          // The templates that were read before stay in use.
          if lastError != "\(error)" { context.logger.warning("templates cannot be read: \(error)") }
          lastError = "\(error)"
        }
      }
      group.cancelAll()
    }
  }

  /// Reads what has changed. At the start plugins may have helpers to contribute, so those that are missing are not told.
  private func refresh(force: Bool = false, isFirst: Bool = false) throws {
    var table = HelperTable.standard
    for contribution in helpers.current { table = table.merging(contribution.value) }
    guard let generation = try service.library.refresh(helpers: table, force: force) else { return }
    tell(isFirst ? generation.faults.filter { !$0.isUnknownHelper } : generation.faults)
    context.bus.publish(
      TemplatesReloaded(
        generation: generation.number, templates: generation.names.count, faulty: generation.faults.map(\.path)))
  }

  private func tell(_ faults: [TemplateGeneration.Fault]) {
    for fault in faults {
      let consequence = fault.usesLastGood ? "its last good version stays in use" : "it cannot be rendered"
      context.logger.warning("\(consequence): \(fault.message)")
    }
  }

  /// Says whether the folders are there, whether every template compiles, and what makes PDF.
  public static func diagnose(_ configuration: TemplatesConfiguration) async -> [Diagnosis] {
    let library = TemplateLibrary(configuration)
    do {
      guard let generation = try library.refresh(helpers: .standard) else { return [] }
      let faults = generation.faults.map { fault in
        fault.isUnknownHelper
          ? Diagnosis(.notice, subject: "template", "unless a plugin contributes it, \(fault.message)")
          : Diagnosis(.problem, subject: "template", fault.message)
      }
      if let absent = configuration.absentFolder {
        return [Diagnosis(.notice, subject: "templates", absent), diagnosePDF(configuration)]
      }
      let templates =
        faults.isEmpty
        ? [Diagnosis(.fine, subject: "templates", "\(generation.names.count) templates compile")] : faults
      return templates + [diagnosePDF(configuration)]
    } catch {
      return [Diagnosis(.problem, subject: "templates", "\(error)", remedy: "set plugins.templates.folders")]
    }
  }

  private static func diagnosePDF(_ configuration: TemplatesConfiguration) -> Diagnosis {
    let maker = PDFMaker(
      wanted: configuration.pdfProgram, sandbox: configuration.pdfSandbox, timeout: .zero, mostBytes: 0, mostAtOnce: 0)
    do throws(TemplateFailure) {
      return Diagnosis(.fine, subject: "pdf", "made by \(try maker.usable().path)")
    } catch {
      return Diagnosis(.notice, subject: "pdf", error.message)
    }
  }
}

extension RouteAccess {
  /// Reads `open`, `authenticated`, or the name of a role.
  init(templates text: String) {
    switch text {
    case "open": self = .open
    case "authenticated": self = .authenticated
    default: self = .role(text)
    }
  }
}

/// Whether helpers were contributed anew, perhaps others of the same names. The first report is what was there before.
private final class HelperChanges: Sendable {
  private let state = Mutex((reports: 0, taken: 1))

  func add() { state.withLock { $0.reports += 1 } }

  /// Whether there were any since the last time.
  func take() -> Bool {
    state.withLock { state in
      defer { state.taken = max(state.reports, 1) }
      return state.reports > state.taken
    }
  }
}
