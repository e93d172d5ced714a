import CLibPQ
import Glibc

/// What OpenSSL has decrypted and libpq has not fetched. A TLS record may hold more than libpq's buffer had room for, and
/// what is left of it makes no socket readable: it must be asked for.
enum EncryptedInput {
  /// `SSL_pending`, of the OpenSSL that libpq has brought along.
  private static let pending: (@convention(c) (UnsafeMutableRawPointer?) -> Int32)? = dlsym(nil, "SSL_pending").map {
    unsafeBitCast($0, to: (@convention(c) (UnsafeMutableRawPointer?) -> Int32).self)
  }

  /// - Parameter rounds: How many times libpq has been told to read. Where OpenSSL cannot be asked, three have to do: as
  ///   many as one record can need after the one before it.
  static func isLeft(in connection: OpaquePointer?, after rounds: Int) -> Bool {
    guard PQsslInUse(connection) == 1 else { return false }
    guard let pending, let session = PQsslStruct(connection, "OpenSSL") else { return rounds < 3 }
    return pending(session) > 0
  }
}
