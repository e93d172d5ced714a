import FoundationEssentials
import MainstayDevServices
import MainstayHTTP
import MainstayHTTPTesting
import MainstayKernel
import MainstayPool
import MainstayPostgres
import MainstayRedis
import MainstayTesting
import Synchronization
import Testing

@testable import Appointments

/// Against a real PostgreSQL and a real Redis, which `dev_services` starts and removes.
@Suite(.serialized, .timeLimit(.minutes(2))) struct AppointmentsTests {
  private let noon = Date(timeIntervalSince1970: 4_102_488_000)  // 2100-01-01 12:00 UTC

  private let clerk = Identity(subject: "front-desk", scheme: "test")

  @Test func booksMovesAndCounts() async throws {
    try await withBook { book, routes in
      let booked = try await routes.post("/appointments", json: booking("north", at: noon))
      #expect(booked.status == .created)
      let id = try #require(try booked.json["id"]?.integerValue)
      let taken = try await routes.post("/appointments", json: booking("north", at: noon))
      #expect(taken.status == .conflict)
      #expect(try await routes.get("/clinics/north/appointments/count").json == ["count": 1])
      let second = try await routes.post("/appointments", json: booking("north", at: noon.addingTimeInterval(900)))
      #expect(second.status == .created)
      #expect(try await routes.get("/clinics/north/appointments/count").json == ["count": 2])
      #expect(try await routes.get("/clinics/south/appointments/count").json == ["count": 0])

      let collision = try await routes.put("/appointments/\(id)/time", json: ["starts": "2100-01-01T12:15:00Z"])
      #expect(collision.status == .conflict)
      let moved = try await routes.put("/appointments/\(id)/time", json: ["starts": "2100-01-01T13:00:00Z"])
      #expect(moved.status == .ok)
      let next = try await book.next(5, at: "north", from: noon)
      #expect(next.map(\.starts) == [noon.addingTimeInterval(900), noon.addingTimeInterval(3_600)])
      #expect(
        try await routes.put("/appointments/999/time", json: ["starts": "2100-01-01T13:00:00Z"]).status == .notFound)
    }
  }

  @Test func saysWhatIsWrongWithABooking() async throws {
    try await withBook { _, routes in
      let without = try await routes.post("/appointments", json: ["clinic": "north"])
      #expect(without.status == .unprocessableContent)
      #expect(without.text.contains("'patient' is missing"))
      #expect(await routes.get("/clinics/north/appointments?limit=1000").status == .badRequest)
    }
  }

  private func booking(_ clinic: String, at moment: Date) -> [String: String] {
    ["clinic": clinic, "patient": "P-1", "starts": moment.ISO8601Format()]
  }

  /// A host with servers of its own, and the plugin's parts made from what the pool provides.
  private func withBook(_ body: (AppointmentBook, TestRoutes) async throws -> Void) async throws {
    // The servers' data are made while the pool starts, which takes its time on a machine that is busy.
    let manifest = "host: { start_timeout: 60s }\nplugins: { dev_services: {}, pool: {}, appointments: {}, desk: {} }"
    let plugins: [any Plugin.Type] = [
      DevServicesPlugin.self, PoolPlugin.self, AppointmentsPlugin.self, DeskPlugin.self,
    ]
    try await withHost(plugins, manifest: manifest) { host in
      let booked = EventRecorder(host.events, "appointments.*")
      let book = try #require(DeskPlugin.book.withLock { $0 })
      try await body(book, try TestRoutes(appointmentRoutes(book), caller: clerk))
      #expect(booked.events(of: AppointmentBooked.self).allSatisfy { $0.clinic == "north" })
    }
  }
}
