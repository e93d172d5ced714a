import MainstayKernel
import MainstayPostgres
import MainstayRedis
import Synchronization

@testable import Appointments

/// Hands the test what the pool provides.
struct DeskPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "desk", version: "1.0.0", summary: "Reads the book of appointments.",
    requires: [.capability(.postgres), .capability(.redis)])
  static let book = Mutex<AppointmentBook?>(nil)

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let book = AppointmentBook(
      database: try context.require(.postgres), cache: try context.require(.redis), bus: context.bus,
      countsFor: .seconds(60))
    Self.book.withLock { $0 = book }
  }
}
