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
    let head = ProtocolNumber(prefix: UInt8(ascii: "$"), argument.count)
    guard argument.count <= 512 else {
      withUnsafeBytes(of: head.bytes) { bytes.append(contentsOf: $0.prefix(head.count)) }
      bytes.append(contentsOf: argument)
      bytes.append(contentsOf: [UInt8(ascii: "\r"), UInt8(ascii: "\n")])
      return
    }
    // Put together on the stack, so that the array is asked for room once.
    withUnsafeTemporaryAllocation(byteCount: ProtocolNumber.size + 512 + 2, alignment: ProtocolNumber.size) { piece in
      piece.storeBytes(of: head.bytes, as: UInt128.self)
      UnsafeMutableRawBufferPointer(rebasing: piece[head.count...]).copyMemory(from: argument)
      let length = head.count + argument.count
      piece[length] = UInt8(ascii: "\r")
      piece[length + 1] = UInt8(ascii: "\n")
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece[..<(length + 2)]))
    }
  }

  /// Appends any argument.
  public mutating func append(_ argument: some RedisArgument) { argument.append(to: &self) }
}

/// A number as the protocol writes it: a letter, decimal digits, a line end.
struct ProtocolNumber {
  static let size = MemoryLayout<UInt128>.size

  /// The first byte lies lowest. There is room for 13 digits, and no length or count has more.
  let bytes: UInt128
  /// How many bytes they are.
  let count: Int

  /// Writes a number that is not negative.
  @inline(__always)
  init(prefix: UInt8, _ number: Int) {
    var text = UInt128(UInt8(ascii: "\n")) << 8 | UInt128(UInt8(ascii: "\r"))
    var length = 3
    var rest = number.magnitude
    repeat {
      text = text << 8 | UInt128(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      length += 1
      rest /= 10
    } while rest > 0
    bytes = (text << 8 | UInt128(prefix)).littleEndian
    count = length
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
