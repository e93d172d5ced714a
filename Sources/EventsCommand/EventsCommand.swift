public import ArgumentParser
import Glibc
import MainstayCommandLine
import MainstayKernel

/// `events`: prints the events of a running host as they come.
public struct EventsCommand: AsyncParsableCommand {
  /// Its name and its help.
  public static let configuration = CommandConfiguration(
    commandName: "events",
    abstract: "Prints the events of a running host as they come.",
    discussion: """
      PATTERN is a topic, or one with wildcards: 'pool.*' for one segment, 'plugin.**' for any rest.
      The host must run the plugin http, and the key must be one of plugins.http.auth.api_keys with the role viewer.
      When the connection is lost it is made again, and goes on where it was. Ctrl-C ends it.
      Exit codes: 0 done; 1 the host cannot be reached or refuses; 64 the command line is wrong.
      """)

  @Argument(help: "Topics to print; without one, all.")
  var pattern: [String] = []

  @Option(help: "Where the host serves HTTP.")
  var url = "http://127.0.0.1:8080"

  @Option(help: "The API key. Better kept in the environment variable MAINSTAY_API_KEY, which other users cannot see.")
  var key: String?

  @Option(help: "End after so many events.")
  var count: Int?

  @OptionGroup var output: OutputOptions

  /// The command, before its arguments are read.
  public init() {}

  /// Refuses what cannot be a pattern or an address.
  public func validate() throws {
    for text in pattern {
      do {
        _ = try TopicPattern(text)
      } catch {
        throw ValidationError(error.description)
      }
    }
    guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
      throw ValidationError("--url must begin with http:// or https://, such as http://127.0.0.1:8080")
    }
    if let count, count < 1 { throw ValidationError("--count must be at least 1") }
  }

  /// Prints until it is stopped.
  public func run() async throws {
    // Ctrl-C is how one leaves: that is no failure.
    signal(SIGINT) { _ in _exit(0) }
    let line = EventLine(style: output.style, json: output.json)
    var tail = EventTail(url: url, patterns: pattern, key: key ?? Self.keyOfEnvironment)
    do {
      try await tail.follow(limit: count) {
        printNow(line.text(type: $0, data: $1))
      } notice: {
        printError($0)
      }
    } catch let refusal as EventTail.Refusal {
      printError("error: \(refusal)")
      throw ExitCode(refusal.isUsage ? 64 : 1)
    }
  }

  private static var keyOfEnvironment: String? {
    guard let value = getenv("MAINSTAY_API_KEY") else { return nil }
    let key = String(cString: value)
    return key.isEmpty ? nil : key
  }
}
