import MainstayPostgres
import Testing

@Suite struct QueryTests {
  @Test func interpolationBinds() throws {
    let id = 7
    let name: String? = nil
    let query: PostgresQuery = "SELECT * FROM t WHERE id = \(id) AND name IS NOT DISTINCT FROM \(name) LIMIT \(10)"
    #expect(query.sql == "SELECT * FROM t WHERE id = $1 AND name IS NOT DISTINCT FROM $2 LIMIT $3")
    #expect(query.parameters.count == 3)
    #expect(!query.isRead && query.isPrepared && query.resultFormat == .binary)
    #expect(PostgresQuery.read(query).isRead)
  }

  /// Warnings are errors here: an optional in a query is meant, and the compiler must not warn of it.
  @Test func optionalsBind() throws {
    struct Patient {
      var name: String?
      var ward: Int32?
      var tags: [String]?
      var id: PostgresUntyped?
    }
    enum Kind: String, PostgresCodable { case inpatient }
    let patient = Patient(name: "Ada", ward: nil, tags: ["a"], id: nil)
    let nobody: Patient? = nil
    let kinds: [String: Kind] = [:]
    let nested: Int?? = .some(nil)
    func generic<Value: PostgresEncodable>(_ value: Value?) -> PostgresQuery { "SELECT \(value)" }
    let query: PostgresQuery = "SELECT \(patient.name), \(patient.ward), \(patient.tags), \(patient.id)"
    #expect(query.sql == "SELECT $1, $2, $3, $4" && query.parameters.count == 4)
    let chained: PostgresQuery = "SELECT \(nobody?.name), \(kinds["x"]), \(nested), \(patient.name.map { $0 + "!" })"
    #expect(chained.parameters.count == 4)
    #expect(generic(patient.name).parameters.count == 1)
    let row = try BlockingConnection().query("SELECT \(patient.name), \(patient.ward), \(nested), \(kinds["x"])::text")
    #expect(try row.first?.decode(String?.self, at: 0) == "Ada")
    #expect(try row.first?.decode(Int32?.self, at: 1) == .some(nil))
    #expect(try row.first?.decode(Int?.self, at: 2) == .some(nil))
    #expect(try row.first?.decode(String?.self, at: 3) == .some(nil))
  }

  @Test func hostileTextStaysAParameter() throws {
    let hostile = "x'; DROP TABLE patients; --"
    let query: PostgresQuery = "SELECT \(hostile)"
    #expect(query.sql == "SELECT $1")
    #expect(try BlockingConnection().query(query).decode(String.self) == [hostile])
  }

  @Test func placeholdersNeverJoinTheirNeighbours() throws {
    let ten: PostgresQuery = "SELECT \(1)\(2)0, a\(3)b"
    #expect(ten.sql == "SELECT $1 $2 0, a $3 b")
    let names: PostgresQuery = "SELECT \(identifier: "a")\(1)\(identifier: "b")\(unsafe: "x")"
    #expect(names.sql == #"SELECT "a"$1"b"x"#)
  }

  @Test func identifiersAreQuoted() throws {
    let name = #"we"ird "name; --"#
    let query: PostgresQuery = "SELECT 1 AS \(identifier: name), 2 AS \(identifiers: "b")"
    #expect(query.sql == #"SELECT 1 AS "we""ird ""name; --", 2 AS "b""#)
    #expect(try BlockingConnection().query(query).columns.map(\.name) == [name, "b"])
    #expect(("\(identifiers: "clinic", "pa\"tients")" as PostgresQuery).sql == #""clinic"."pa""tients""#)
    for bad in ["", "a\u{0}b"] {
      #expect(("SELECT \(identifier: bad)" as PostgresQuery).parameters.failure?.code == .encoding)
    }
  }

  @Test func partsAreNumberedAnew() throws {
    let clinic: PostgresQuery = "clinic = \(3) AND kind = \("a") AND note = '$1'"
    let either: PostgresQuery = "(\(clinic)) OR (\(clinic))"
    let query: PostgresQuery = "SELECT \(1) WHERE \(either) LIMIT \(9)"
    #expect(
      query.sql
        == "SELECT $1 WHERE (clinic = $2 AND kind = $3 AND note = '$1') OR (clinic = $4 AND kind = $5 AND note = '$1') LIMIT $6"
    )
    #expect(query.parameters.count == 6)
    let values: PostgresQuery = "\("x"), \(nil as Int?), \(2.5)"
    let row = try BlockingConnection().query("SELECT \(values), \(true)").decode(
      String.self, Int?.self, Double.self, Bool.self)
    #expect(row.first?.0 == "x" && row.first?.1 == nil && row.first?.2 == 2.5 && row.first?.3 == true)
  }

  @Test func manyPartsHaveNumbersOfSeveralDigits() throws {
    var list: PostgresQuery = "\(0)"
    for number in 1..<120 { list = "\(list), \(number)" }
    let numbers = try BlockingConnection().query("SELECT * FROM unnest(ARRAY[\(list)])").decode(Int.self)
    #expect(numbers == Array(0..<120))
  }

  @Test func positionalQueriesCannotBeParts() throws {
    let part = PostgresQuery("id = $1", 7)
    let query: PostgresQuery = "SELECT 1 WHERE \(part)"
    #expect(query.parameters.failure?.code == .misuse)
  }

  @Test func untypedTextFitsEveryType() throws {
    let query: PostgresQuery = "SELECT \(untyped: "2024-02-29")::date, 5 + \(untyped: "6")"
    let row = try BlockingConnection().query(query).decode(PostgresDate.self, Int.self).first
    #expect(row?.0.description == "2024-02-29")
    #expect(row?.1 == 11)
  }

  @Test func descriptionsHideValues() {
    let query: PostgresQuery = "SELECT \("secret")"
    var dumped = ""
    dump(query, to: &dumped)
    #expect("\(query)" == "SELECT $1")
    #expect(!dumped.contains("secret") && !String(reflecting: query).contains("secret"))
  }
}
