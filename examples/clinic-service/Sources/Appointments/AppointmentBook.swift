import FoundationEssentials
import MainstayKernel
import MainstayPostgres
import MainstayRedis

/// Who comes when, and why.
struct Appointment: Codable, Equatable, Sendable {
  var id: Int
  var clinic: String
  var patient: String
  var starts: Date
  var reason: String?
}

/// What somebody asks for.
struct Booking: Codable, Sendable {
  var clinic: String
  var patient: String
  var starts: Date
  var reason: String?
}

/// The appointments of all clinics.
struct AppointmentBook: Sendable {
  let database: PostgresDatabase
  let cache: RedisClient
  let bus: EventBus
  let countsFor: Duration

  func prepare() async throws {
    try await database.withConnection { connection in
      try await connection.script(
        """
        CREATE TABLE IF NOT EXISTS appointments (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          clinic text NOT NULL,
          patient text NOT NULL,
          starts timestamptz NOT NULL,
          reason text,
          UNIQUE (clinic, starts));
        """)
    }
  }

  /// Nil if the clinic has somebody else at that time.
  func book(_ booking: Booking) async throws -> Appointment? {
    let booked = try await database.query(
      """
      INSERT INTO appointments (clinic, patient, starts, reason)
      VALUES (\(booking.clinic), \(booking.patient), \(booking.starts), \(booking.reason))
      ON CONFLICT (clinic, starts) DO NOTHING
      RETURNING id, clinic, patient, starts, reason
      """, as: Appointment.self, priority: .high, tenant: booking.clinic)
    guard let appointment = booked.first else { return nil }
    _ = try await cache.send(.del(Self.key(booking.clinic)))
    bus.publish(AppointmentBooked(clinic: appointment.clinic, appointment: appointment.id))
    return appointment
  }

  /// The next ones of a clinic. Declared as a read, so it shares round trips with those of others.
  func next(_ count: Int, at clinic: String, from moment: Date) async throws -> [Appointment] {
    try await database.read(
      """
      SELECT id, clinic, patient, starts, reason FROM appointments
      WHERE clinic = \(clinic) AND starts >= \(moment) ORDER BY starts LIMIT \(count)
      """
    ).decode(Appointment.self)
  }

  /// Moves an appointment. Reading and writing are one transaction, which is run again if another one was in the way.
  func move(_ id: Int, to starts: Date) async throws -> Appointment? {
    try await database.transaction(.init(isolation: .serializable)) { transaction in
      let found = try await transaction.query("SELECT clinic FROM appointments WHERE id = \(id)", as: String.self)
      guard !found.isEmpty else { return nil }
      return try await transaction.query(
        """
        UPDATE appointments SET starts = \(starts) WHERE id = \(id)
        RETURNING id, clinic, patient, starts, reason
        """, as: Appointment.self
      ).first
    }
  }

  /// How many appointments a clinic has. The database is asked at most once in `countsFor`.
  func count(at clinic: String) async throws -> Int {
    let key = Self.key(clinic)
    if let known = try await cache.send(.get(key, as: Int.self)) { return known }
    let counted =
      try await database.read("SELECT count(*)::int FROM appointments WHERE clinic = \(clinic)")
      .decode(Int.self).first ?? 0
    _ = try await cache.send(.set(key, counted, expires: .after(countsFor)))
    return counted
  }

  private static func key(_ clinic: String) -> String { "appointments:\(clinic)" }
}
