import CLibPQ
import Glibc

/// Functions that newer versions of libpq have. They are looked up when the program runs, so that it is built with any
/// version from 14 on and uses what the machine has.
enum PipelineFunctions {
  /// PGRES_TUPLES_CHUNK of libpq 17.
  static let chunk = ExecStatusType(rawValue: 12)
  private static let rowsPerChunk: Int32 = 64

  typealias SendSync = @convention(c) (OpaquePointer?) -> Int32
  private typealias SetChunked = @convention(c) (OpaquePointer?, Int32) -> Int32

  /// A Sync that is not sent at once, from libpq 17 on.
  static let sendSync: SendSync? = dlsym(nil, "PQsendPipelineSync").map { unsafeBitCast($0, to: SendSync.self) }

  private static let setChunked: SetChunked? = dlsym(nil, "PQsetChunkedRowsMode").map {
    unsafeBitCast($0, to: SetChunked.self)
  }

  /// Has the rows of the statement whose answer comes next delivered as they arrive.
  static func deliverRows(_ connection: OpaquePointer?) {
    if let setChunked {
      _ = setChunked(connection, rowsPerChunk)
    } else {
      PQsetSingleRowMode(connection)
    }
  }
}
