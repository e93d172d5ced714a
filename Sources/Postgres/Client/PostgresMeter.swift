/// What kind of work a statement was: told by its first word, never by its text.
public enum PostgresOperation: Int, Sendable, CaseIterable {
  /// `SELECT`
  case select
  /// `INSERT`
  case insert
  /// `UPDATE`
  case update
  /// `DELETE`
  case delete
  /// `WITH`, whatever follows.
  case with
  /// `BEGIN`, `COMMIT`, `ROLLBACK`, `SAVEPOINT` and the like.
  case transaction
  /// Any other statement, also one that begins with a comment.
  case other
  /// Several statements at once.
  case batch
  /// Several statements in one text.
  case script
  /// `COPY` in or out.
  case copy

  /// The kind of a statement.
  init(sql: String) {
    switch Self.firstWord(sql) {
    case 0x73_65_6C_65_63_74: self = .select
    case 0x69_6E_73_65_72_74: self = .insert
    case 0x75_70_64_61_74_65: self = .update
    case 0x64_65_6C_65_74_65: self = .delete
    case 0x77_69_74_68: self = .with
    // begin, start, commit, end, rollback, abort
    case 0x62_65_67_69_6E, 0x73_74_61_72_74, 0x63_6F_6D_6D_69_74, 0x65_6E_64, 0x72_6F_6C_6C_62_61_63_6B,
      0x61_62_6F_72_74:
      self = .transaction
    // savepoin(t), release
    case 0x73_61_76_65_70_6F_69_6E, 0x72_65_6C_65_61_73_65: self = .transaction
    default: self = .other
    }
  }

  /// Up to eight letters in lower case, as the bytes of a number.
  private static func firstWord(_ sql: String) -> UInt64 {
    var word: UInt64 = 0
    for byte in sql.utf8 {
      let letter = byte | 0x20
      if letter >= UInt8(ascii: "a"), letter <= UInt8(ascii: "z") {
        word = word << 8 | UInt64(letter)
        if word >> 56 != 0 { return word }
      } else if word != 0 {
        return word
      } else if byte > UInt8(ascii: " "), byte != UInt8(ascii: "(") {
        return 0
      }
    }
    return word
  }
}

/// What became of a statement.
public enum PostgresOutcome: Int, Sendable, CaseIterable {
  /// It was done.
  case ok
  /// The server refused it, or it could not be sent.
  case error
  /// Its deadline passed.
  case timeout
  /// Its task was cancelled, or its reader has gone.
  case cancelled
  /// The connection was lost before its answer.
  case lost

  init(_ error: PostgresError?) {
    switch error?.code {
    case nil: self = .ok
    case .timedOut?: self = .timeout
    case .cancelled?: self = .cancelled
    case .connectionLost?, .closed?: self = .lost
    default: self = .error
    }
  }
}

/// Is told of every statement when its answer has come, by the task that asked for it, outside of every lock. It must be quick:
/// the task waits for it.
public protocol PostgresMeter: Sendable {
  /// A statement has ended.
  /// - Parameter nanoseconds: From when it was asked until its last answer had come.
  func record(_ operation: PostgresOperation, _ outcome: PostgresOutcome, nanoseconds: UInt64)
}
