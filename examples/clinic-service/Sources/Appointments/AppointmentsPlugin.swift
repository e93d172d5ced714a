import MainstayHTTP
public import MainstayKernel
import MainstayPostgres
import MainstayRedis

/// What may stand under `appointments:` in `host.yaml`.
public struct AppointmentsConfiguration: PluginConfiguration {
  @Field("How long a clinic's count of appointments may be out of date.", range: .seconds(1)...)
  var countsFor: Duration = .seconds(60)

  /// The defaults.
  public init() {}
}

/// An appointment was booked. Says where and when, not for whom: events go to whoever listens.
public struct AppointmentBooked: Event {
  /// `appointments.booked`
  public static let topic: Topic = "appointments.booked"
  /// The clinic.
  public let clinic: String
  /// Its number.
  public let appointment: Int
}

/// Books appointments in PostgreSQL and counts them in Redis.
public struct AppointmentsPlugin: Plugin {
  /// What the kernel knows of the plugin before it starts. The pool plugin provides both capabilities.
  public static let manifest = PluginManifest(
    name: "appointments", version: "1.0.0", summary: "Books the appointments of clinics.",
    requires: [.capability(.postgres), .capability(.redis)], contributes: [.point(.httpRoutes)],
    events: [AppointmentBooked.self])

  /// Makes the table if it is missing. When it returns, the plugin is ready.
  public init(configuration: AppointmentsConfiguration, context: PluginContext) async throws {
    let book = AppointmentBook(
      database: try context.require(.postgres), cache: try context.require(.redis), bus: context.bus,
      countsFor: configuration.countsFor)
    try await book.prepare()
    try context.contribute(appointmentRoutes(book))
  }
}
