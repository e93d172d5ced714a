import ArgumentParser
import Glibc
import Logging
import MainstayKernel

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Runs the host until it gets SIGTERM or SIGINT.",
    discussion: """
      SIGHUP, or a change of a file the manifest was read from, applies what changed. A second SIGTERM or SIGINT ends \
      the process at once.
      """)

  @OptionGroup var options: ManifestOptions
  @OptionGroup var output: OutputOptions

  @Flag(help: "Do not print the graph and the start times.")
  var quiet = false

  func run() async throws {
    // A reload that is asked for before the host can take it must not end it.
    signal(SIGHUP, SIG_IGN)
    let planner = options.planner
    let plan = try options.plan(output)
    let settings = try settings(for: plan)
    let kernel = Kernel(plan: plan, planner: planner, settings: settings)
    handleSignals(of: kernel, settings)
    let report = StartReport(style: output.style, json: output.json)
    let ready = kernel.events.observe(HostReady.self) { event in
      if !quiet { report.print(kernel.status, kernel.graph, event.duration) }
      Task.detached(priority: .utility) { StartPages.release() }
    }
    let reloads = reportReloads(of: kernel)
    // The main actor belongs to the command line; the host lives on the global executor.
    let failure = await Task.detached { () -> KernelError? in
      do throws(KernelError) { try await kernel.run() } catch { return error }
      return nil
    }.value
    ready.cancel()
    reloads.cancel()
    if let failure {
      printError("error: \(failure)")
      throw ExitCode(1)
    }
  }

  private func settings(for plan: Plan) throws -> KernelSettings {
    let logSettings = LogSettings(plan.logging)
    let program = HostProgram.current
    LoggingSystem.bootstrap { MainstayLogHandler(label: $0, settings: logSettings) }
    // A reader that goes away must not take the host along.
    signal(SIGPIPE, SIG_IGN)
    do {
      return KernelSettings(
        logger: Logger(label: program.name), version: program.version, watchdog: try Watchdog(),
        logSettings: logSettings)
    } catch {
      printError("error: \(error)")
      throw ExitCode(1)
    }
  }

  private func handleSignals(of kernel: Kernel, _ settings: KernelSettings) {
    guard let watchdog = settings.watchdog else { return }
    watchdog.handle(SIGTERM) { kernel.requestStop(reason: "SIGTERM") }
    watchdog.handle(SIGINT) { kernel.requestStop(reason: "SIGINT") }
    watchdog.handle(SIGHUP) {
      // The kernel logs what became of it.
      Task { _ = try? await kernel.reload(by: "SIGHUP") }
    }
  }

  /// Says what a reload changed, where a person is looking.
  private func reportReloads(of kernel: Kernel) -> Subscription {
    kernel.events.observe(HostReloaded.self) { event in
      guard !quiet, !output.json else { return }
      printNow("reloaded, generation \(event.generation): \(event.changed.joined(separator: ", "))")
    }
  }
}

/// What `run` prints when the host is ready: the graph, and how long each plugin took to start.
struct StartReport: Sendable {
  let style: Style
  let json: Bool

  func print(_ status: HostStatus, _ graph: DependencyGraph, _ duration: Duration) {
    let times = Dictionary(
      uniqueKeysWithValues: status.plugins.compactMap { plugin in plugin.startDuration.map { (plugin.name, $0) } })
    let rendering = GraphRendering(graph: graph, startTimes: times)
    if json {
      printNow(
        JSONValue.object([
          "event": "ready", "duration": .number(duration.seconds), "graph": rendering.json,
          "start_seconds": .object(
            JSONObject(times.sorted { $0.key < $1.key }.map { ($0.key, .number($0.value.seconds)) })),
        ]).compact)
    } else {
      printNow(rendering.text(style))
      printNow(style.green("ready") + " in \(duration.formattedShort)")
    }
  }
}
