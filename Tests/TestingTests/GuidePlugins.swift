import Logging
import MainstayKernel
import Synchronization

// The plugins that docs/plugins.md quotes, beside those of examples/. scripts/test compares the quotations.

// MARK: Capabilities

protocol Greeter: Sendable {
  func greeting(for name: String) -> String
}

extension Capability where Value == any Greeter {
  static var greeter: Self { Self("greeter") }
}

struct GreeterPlugin: Plugin {
  struct Configuration: PluginConfiguration {
    @Field("The word that comes first.", minLength: 1) var salutation = "Hello"
  }

  static let manifest = PluginManifest(
    name: "greeter", version: "1.0.0", summary: "Makes greetings.", provides: [.capability(.greeter)])

  init(configuration: Configuration, context: PluginContext) async throws {
    try context.provide(PlainGreeter(salutation: configuration.salutation), as: .greeter)
  }
}

struct PlainGreeter: Greeter {
  let salutation: String
  func greeting(for name: String) -> String { "\(salutation), \(name)!" }
}

struct DoorPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "door", version: "1.0.0", summary: "Greets whoever knocks.", requires: [.capability(.greeter)],
    events: [DoorOpened.self])

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let greeter = try context.require(.greeter)
    context.bus.observe(DoorKnocked.self) { event in
      context.bus.publish(DoorOpened(greeting: greeter.greeting(for: event.name)))
    }
  }
}

struct DoorKnocked: Event {
  static let topic: Topic = "door.knocked"
  let name: String
}

struct DoorOpened: Event {
  static let topic: Topic = "door.opened"
  let greeting: String
}

// MARK: Contributions

struct Phrase: Sendable, Equatable {
  let language: String
  let text: String
}

extension ContributionPoint where Value == Phrase {
  static var phrases: Self { Self("phrases") }
}

struct FrenchPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "french", version: "1.0.0", summary: "Knows French.", contributes: [.point(.phrases)])

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    try context.contribute(Phrase(language: "fr", text: "Bonjour"), to: .phrases)
  }
}

struct PhraseBookPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "phrase_book", version: "1.0.0", summary: "Offers every phrase there is.",
    provides: [.capability(.phraseBook)], collects: [.point(.phrases)])

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let phrases = try context.contributions(to: .phrases)
    let book = PhraseBook { language in
      phrases.current.first { $0.value.language == language }?.value.text
    }
    try context.provide(book, as: .phraseBook)
  }
}

struct PhraseBook: Sendable {
  let lookUp: @Sendable (_ language: String) -> String?
}

extension Capability where Value == PhraseBook {
  static var phraseBook: Self { Self("phrase_book") }
}

// MARK: Live configuration and several fields together

struct ThermostatConfiguration: PluginConfiguration {
  @Field("Heating starts below.", range: 5...30, unit: "°C") var low = 18
  @Field("Heating stops above.", range: 5...30, unit: "°C") var high = 21

  func validate(into issues: inout ConfigurationChecks) {
    guard low >= high else { return }
    issues.error("high", "must be above low (\(low)), is \(high)", remedy: "leave at least one degree between them")
  }
}

final class ThermostatPlugin: Plugin {
  static let manifest = PluginManifest(name: "thermostat", version: "1.0.0", summary: "Keeps it warm.")

  private let limits: Mutex<ThermostatConfiguration>

  init(configuration: ThermostatConfiguration, context: PluginContext) async throws {
    limits = Mutex(configuration)
    context.bus.observe(TemperatureMeasured.self) { [weak self] event in
      guard let limits = self?.limits.withLock({ $0 }) else { return }
      if event.degrees < limits.low { context.logger.info("heating") }
    }
  }

  func reconfigure(_ configuration: ThermostatConfiguration) async throws -> Reconfiguration {
    limits.withLock { $0 = configuration }
    return .applied
  }
}

struct TemperatureMeasured: Event {
  static let topic: Topic = "temperature.measured"
  let degrees: Int
}

// MARK: Work that may fail

struct MailboxPlugin: Plugin {
  struct Configuration: PluginConfiguration {
    @Field("Letters handled before it breaks.") var strength = 3
  }

  struct Worn: Error, CustomStringConvertible {
    let letters: Int
    var description: String { "worn out after \(letters) letters" }
  }

  static let manifest = PluginManifest(name: "mailbox", version: "1.0.0", summary: "Takes letters.")

  private let configuration: Configuration
  private let letters: EventStream<LetterSent>

  init(configuration: Configuration, context: PluginContext) async throws {
    self.configuration = configuration
    letters = context.bus.events(of: LetterSent.self, buffer: .dropOldest(100))
  }

  func run() async throws {
    var count = 0
    for await _ in letters {
      count += 1
      if count > configuration.strength { throw Worn(letters: count) }
    }
  }
}

struct LetterSent: Event {
  static let topic: Topic = "letter.sent"
}
