/// This build speaks plain connections only.
final class TLSSession {
  var output = OutputBuffer()

  func encrypt(_ bytes: UnsafeRawBufferPointer) throws(RedisError) {}
  func decrypt(_ bytes: UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) throws -> Void) throws {}
  func end() {}
}
