import MainstayPostgres
import Testing

@Suite struct ParametersTests {
  @Test func pointersAreAsLibpqTakesThem() throws {
    struct Seen: Equatable {
      var types: [UInt32] = []
      var values: [[UInt8]?] = []
      var formats: [Int32] = []
    }
    for extra in [0, 20] {
      var parameters = PostgresParameters(258, nil as Int?, "hé", PostgresUntyped("ab"), [UInt8]())
      for number in 0..<extra { parameters.append(Int16(number)) }
      let seen = try parameters.withPointers { pointers in
        var seen = Seen()
        for index in 0..<Int(pointers.count) {
          guard let types = pointers.types, let values = pointers.values, let lengths = pointers.lengths,
            let formats = pointers.formats
          else { continue }
          seen.types.append(types[index])
          seen.formats.append(formats[index])
          seen.values.append(
            values[index].map { value in
              // Behind a text stands the zero byte that libpq looks for.
              let count = Int(lengths[index]) + (formats[index] == 0 ? 1 : 0)
              return (0..<count).map { UInt8(bitPattern: value[$0]) }
            })
        }
        return seen
      }
      #expect(seen.types.prefix(5) == [20, 20, 25, 0, 17])
      #expect(seen.formats.prefix(5) == [1, 1, 1, 0, 1])
      #expect(seen.values.prefix(5) == [[0, 0, 0, 0, 0, 0, 1, 2], nil, [0x68, 0xC3, 0xA9], [0x61, 0x62, 0], []])
      #expect(seen.values.dropFirst(5) == (0..<UInt8(extra)).map { [0, $0] }[...])
    }
    #expect(try PostgresParameters().withPointers { $0.count } == 0)
  }

  @Test func copiesAreIndependent() throws {
    let one = PostgresParameters(1)
    var two = one
    two.append("x")
    #expect(one.count == 1 && two.count == 2)
    #expect(one.typeSignature == PostgresParameters(99).typeSignature)
    #expect(one.typeSignature == PostgresParameters(nil as Int?).typeSignature)
    #expect(one.typeSignature != two.typeSignature)
    #expect(PostgresParameters(1, "x").typeSignature != PostgresParameters("x", 1).typeSignature)
  }

  @Test func theFirstErrorIsKeptAndNamesItsParameter() throws {
    let parameters = PostgresParameters(1, "a\u{0}secret", UInt.max)
    let error = #expect(throws: PostgresError.self) { try parameters.withPointers { _ in } }
    #expect(error?.code == .encoding)
    #expect(error?.message.contains("parameter $2") == true)
    #expect(error?.message.contains("U+0000") == true)
    #expect(error?.description.contains("secret") == false)
  }

  @Test func zeroBytesAreRefusedWhereverTextStands() {
    enum Kind: String, PostgresEncodable { case bad = "\u{0}" }
    for parameters in [
      PostgresParameters("\u{0}"), PostgresParameters(["a", "\u{0}"]), PostgresParameters(PostgresUntyped("a\u{0}")),
      PostgresParameters(Kind.bad), PostgresParameters([Kind.bad]),
    ] {
      #expect(parameters.failure?.code == .encoding)
    }
  }

  @Test func integersThatPostgresLacksAreRefused() {
    #expect(PostgresParameters(UInt64(Int64.max) + 1).failure?.code == .encoding)
    #expect(PostgresParameters([UInt.max]).failure?.code == .encoding)
    #expect(PostgresParameters(UInt64(Int64.max)).failure == nil)
  }

  @Test func tooManyAreRefused() {
    var parameters = PostgresParameters()
    for _ in 0..<PostgresParameters.limit { parameters.append(true) }
    #expect(parameters.failure == nil)
    parameters.append(true)
    #expect(parameters.failure?.message.contains("65535") == true)
  }
}
