import Glibc

/// The system's words for an error number.
enum SystemErrorText {
  static func of(_ number: Int32) -> String {
    withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
      let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
      guard let start, strerror_r(number, start, 256) == 0 else { return "error \(number)" }
      return String(cString: start)
    }
  }
}
