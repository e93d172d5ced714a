import FoundationEssentials
import MainstayHTTP
import MainstayPostgres

/// What the plugin answers over HTTP. Every route asks for an API key or a token, as routes do unless they say otherwise.
func appointmentRoutes(_ book: AppointmentBook) -> Routes {
  [
    .post("/appointments", "Books an appointment.") { request, context in
      let booking = try await context.decode(Booking.self, from: request)
      guard let appointment = try await book.book(booking) else { throw taken }
      return try answer(appointment, status: .created)
    }
    .accepts(.object(["clinic": .string, "patient": .string, "starts": .dateTime, "reason": .string]))
    .responds(.created, schema)
    .responds(.conflict, .any, "The clinic has somebody else at that time."),

    .get("/clinics/{clinic}/appointments", "The next appointments of a clinic.") { request, context in
      let clinic = try context.parameter("clinic")
      let limit = request.uri.queryParameters.get("limit").flatMap { Int($0) } ?? 20
      guard 1...100 ~= limit else { throw HTTPProblem(.badRequest, "'limit' must be between 1 and 100.") }
      return try answer(await book.next(limit, at: clinic, from: .now))
    }
    .query("limit", "How many, 1 to 100; without it, 20.")
    .responds(.ok, .array(of: schema)),

    .get("/clinics/{clinic}/appointments/count", "How many appointments a clinic has.") { _, context in
      try await .json(["count": book.count(at: context.parameter("clinic"))])
    }
    .responds(.ok, .object(["count": .integer])),

    .put("/appointments/{id}/time", "Moves an appointment.") { request, context in
      let id = try context.parameter("id", as: Int.self)
      let move = try await context.decode(Move.self, from: request)
      do {
        guard let moved = try await book.move(id, to: move.starts) else {
          throw HTTPProblem(.notFound, "There is no appointment \(id).")
        }
        return try answer(moved)
      } catch let error as PostgresError where error.state == .uniqueViolation {
        throw taken
      }
    }
    .accepts(.object(["starts": .dateTime]))
    .responds(.ok, schema)
    .responds(.notFound, .any, "There is no such appointment.")
    .responds(.conflict, .any, "The clinic has somebody else at that time."),
  ]
}

private struct Move: Codable, Sendable {
  var starts: Date
}

private var taken: HTTPProblem {
  HTTPProblem(.conflict, "The clinic has somebody else at that time; ask for another.")
}

private let schema = HTTPSchema.object([
  "id": .integer, "clinic": .string, "patient": .string, "starts": .dateTime, "reason": .string,
])

/// Times as ISO 8601, as requests have them.
private func answer(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
  let encoder = JSONEncoder()
  encoder.dateEncodingStrategy = .iso8601
  return .bytes(
    ByteBuffer(bytes: try encoder.encode(value)), contentType: "application/json", status: status,
    headers: [.cacheControl: "no-store"])
}
