/// A value that can be an argument of a command.
public protocol RedisArgument: Sendable {
  /// Appends the value as one argument.
  func append(to arguments: inout RedisArguments)
}

/// The arguments of a command, already in the protocol's form: `$length`, line end, bytes, line end, one after another.
public struct RedisArguments: Sendable {
  @usableFromInline private(set) var bytes: [UInt8] = []
  /// How many there are.
  public private(set) var count = 0

  /// No arguments.
  public init() {}

  /// Room for so many bytes, to spare growing.
  @usableFromInline
  mutating func reserve(_ capacity: Int) { bytes.reserveCapacity(capacity) }

  /// Appends a text.
  public mutating func append(_ text: String) {
    if text.utf8.withContiguousStorageIfAvailable({ append(UnsafeRawBufferPointer($0)) }) != nil { return }
    // Only a text bridged from elsewhere has its bytes in pieces.
    ContiguousArray(text.utf8).withUnsafeBytes { append($0) }
  }

  /// Appends bytes.
  public mutating func append(_ argument: UnsafeRawBufferPointer) {
    count += 1
    var head = ProtocolNumber(prefix: UInt8(ascii: "$"), argument.count)
    guard argument.count <= 512 else {
      head.withBytes { bytes.append(contentsOf: $0) }
      bytes.append(contentsOf: argument)
      bytes.append(contentsOf: [UInt8(ascii: "\r"), UInt8(ascii: "\n")])
      return
    }
    // Put together on the stack, so that the array is asked for room once.
    withUnsafeTemporaryAllocation(byteCount: 24 + 512 + 2, alignment: 8) { piece in
      var length = head.withBytes { digits in
        piece.copyMemory(from: digits)
        return digits.count
      }
      UnsafeMutableRawBufferPointer(rebasing: piece[length...]).copyMemory(from: argument)
      length += argument.count
      piece[length] = UInt8(ascii: "\r")
      piece[length + 1] = UInt8(ascii: "\n")
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece[..<(length + 2)]))
    }
  }

  /// Appends any argument.
  public mutating func append(_ argument: some RedisArgument) { argument.append(to: &self) }
}

/// A number as the protocol writes it: a letter, decimal digits, a line end. Kept in place, so that writing one needs no
/// memory of its own.
struct ProtocolNumber {
  // A letter, at most 19 digits, two bytes of line end: 22, filled from the back.
  private var storage: (UInt64, UInt64, UInt64) = (0, 0, 0)
  private var start: Int

  /// Writes a number that is not negative.
  init(prefix: UInt8, _ number: Int) {
    var position = 24
    withUnsafeMutableBytes(of: &storage) { bytes in
      bytes[23] = UInt8(ascii: "\n")
      bytes[22] = UInt8(ascii: "\r")
      position = 22
      var rest = UInt64(number.magnitude)
      repeat {
        position -= 1
        bytes[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      position -= 1
      bytes[position] = prefix
    }
    start = position
  }

  mutating func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let start = start
    return withUnsafeBytes(of: &storage) { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
  }
}

extension String: RedisArgument {
  /// Appends the text's UTF-8.
  public func append(to arguments: inout RedisArguments) { arguments.append(self) }
}

extension Substring: RedisArgument {
  /// Appends the text's UTF-8.
  public func append(to arguments: inout RedisArguments) { arguments.append(String(self)) }
}

extension Int: RedisArgument {
  /// Appends decimal digits.
  public func append(to arguments: inout RedisArguments) { arguments.append(String(self)) }
}

extension Int64: RedisArgument {
  /// Appends decimal digits.
  public func append(to arguments: inout RedisArguments) { arguments.append(String(self)) }
}

extension UInt64: RedisArgument {
  /// Appends decimal digits.
  public func append(to arguments: inout RedisArguments) { arguments.append(String(self)) }
}

extension Double: RedisArgument {
  /// Appends the shortest text that reads back as the same number; infinities as `inf` and `-inf`.
  public func append(to arguments: inout RedisArguments) { arguments.append(description) }
}

extension Bool: RedisArgument {
  /// Appends `1` or `0`.
  public func append(to arguments: inout RedisArguments) { arguments.append(self ? "1" : "0") }
}

extension [UInt8]: RedisArgument {
  /// Appends the bytes as they are.
  public func append(to arguments: inout RedisArguments) {
    withUnsafeBytes { arguments.append($0) }
  }
}

extension ArraySlice<UInt8>: RedisArgument {
  /// Appends the bytes as they are.
  public func append(to arguments: inout RedisArguments) {
    withUnsafeBytes { arguments.append($0) }
  }
}
