import Testing

@testable import MainstayPostgres

@Suite struct StatementPiecesTests {
  private func cut(_ sql: String) -> [String]? {
    StatementPieces(sql)?.pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .placeholder(let number): "<\(number)>"
      }
    }
  }

  @Test func placeholdersAreFound() {
    #expect(cut("SELECT $1, $22+$1") == ["SELECT ", "<1>", ", ", "<22>", "+", "<1>"])
    #expect(StatementPieces("SELECT $1, $22+$1")?.parameters == 22)
    #expect(cut("$3") == ["<3>"])
    #expect(cut("") == [])
    #expect(
      cut("SELECT ($1::int[])[1] FROM a$1 WHERE é$2 = $3") == [
        "SELECT (", "<1>", "::int[])[1] FROM a$1 WHERE é$2 = ", "<3>",
      ])
  }

  /// What looks like one and is none: in strings, names and comments of every kind.
  @Test(arguments: [
    "SELECT '$1'", "SELECT 'it''s $1'", "SELECT \"a$1\", \"b\"\"$2\"", "SELECT $$ $1 $$", "SELECT $tag$ $1 $$ $2 $tag$",
    "SELECT 1 -- $1 ' \" ( $$", "SELECT 1 -- $1\r\n", "SELECT /* $1 /* ' */ $2 ( */ 1", "SELECT E'\\' $1 \\\\'",
    "SELECT e'$1'", "SELECT col$1, x1$2", "SELECT U&'$1', B'01', N'$1'", "SELECT '(', ')', \"(\"",
    "SELECT 1 - 2 / 3 * 4",
    "SELECT '',''", "SELECT '日本 $1'",
  ])
  func othersAreNot(_ sql: String) {
    #expect(cut(sql) == [sql])
  }

  @Test(arguments: ["SELECT $1;", "SELECT $1 ; \n\t"])
  func aSemicolonAtTheEndIsLeftOut(_ sql: String) {
    #expect(cut(sql)?.prefix(2) == ["SELECT ", "<1>"] && cut(sql)?.joined().contains(";") == false)
  }

  /// Not closed, more than one, or not to be told without asking the server.
  @Test(arguments: [
    "SELECT 'a", "SELECT \"a", "SELECT $$ a", "SELECT $a$ b $b$", "SELECT /* /* */", "SELECT (1", "SELECT 1)",
    "SELECT 1) , (SELECT 2", "SELECT 1; SELECT 2", "SELECT 1;;", "SELECT '\\'", "SELECT E'a''\\''", "SELECT $",
    "SELECT $ 1",
    "SELECT $0", "SELECT $1a", "SELECT $65536", "SELECT $99999999999999999999", "SELECT $é", "SELECT E'\\",
    "SELECT 1; --",
  ])
  func theDoubtfulHasNoPieces(_ sql: String) {
    #expect(cut(sql) == nil)
  }

  /// Whatever comes: no crash, and the pieces make up the text again.
  @Test func anyTextIsCutOrRefused() {
    var random = SystemRandomNumberGenerator()
    let parts = [
      "'", "\"", "$", "$1", "$$", "$a$", "--", "/*", "*/", "(", ")", ";", "\\", "E", "é", " ", "\n", "1", "x", "\0",
    ]
    var whole = 0
    for _ in 0..<20_000 {
      let sql = (0..<Int.random(in: 0..<12, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }
        .joined()
      guard let cut = StatementPieces(sql) else { continue }
      whole += 1
      let text = cut.pieces.map { piece in
        switch piece {
        case .text(let text): text
        case .placeholder(let number): "$\(number)"
        }
      }
      .joined()
      #expect(
        sql.hasPrefix(text) && sql.dropFirst(text.count).allSatisfy { $0 == ";" || $0.isWhitespace || $0 == "\0" })
    }
    #expect(whole > 500)
  }
}
