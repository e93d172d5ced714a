import MainstayPostgres
import Testing

@Suite struct ScalarTests {
  @Test func one() throws {
    let connection = try BlockingConnection()
    let result = try connection.query("SELECT \(7) + 1, \("héllo")")
    let rows = try result.decode(Int.self, String?.self)
    #expect(rows.first?.0 == 8)
    #expect(rows.first?.1 == "héllo")
  }
}
