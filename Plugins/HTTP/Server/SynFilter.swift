import Glibc
import NIOCore

/// Makes a listening socket deaf to new connections without resetting those that the kernel has already established
/// and that wait to be accepted, as closing it would: a packet filter that drops segments with SYN set. The client's
/// kernel repeats its SYN a second later and is then refused cleanly, or reaches whoever listens there by then.
enum SynFilter {
  /// One instruction of classic BPF (`struct sock_filter`).
  private struct Instruction {
    var code: UInt16
    var ifTrue: UInt8
    var ifFalse: UInt8
    var operand: UInt32
  }

  /// `struct sock_fprog`
  private struct Program: @unchecked Sendable {
    // because the pointer is read by the kernel only, during the call, and outlives it.
    var count: UInt16
    var instructions: UnsafePointer<Instruction>
  }

  private static let attachFilter = CInt(26)  // SO_ATTACH_FILTER, which Glibc's module leaves out.

  /// The filter of a TCP socket sees segments from their TCP header on; the flags are in its 14th byte.
  private static let instructions: [Instruction] = [
    Instruction(code: 0x30, ifTrue: 0, ifFalse: 0, operand: 13),  // load the flags
    Instruction(code: 0x45, ifTrue: 0, ifFalse: 1, operand: 0x02),  // SYN?
    Instruction(code: 0x06, ifTrue: 0, ifFalse: 0, operand: 0),  // drop
    Instruction(code: 0x06, ifTrue: 0, ifFalse: 0, operand: .max),  // keep
  ]

  /// Makes the listener deaf. False if the kernel does not offer it: the listener then hears on.
  static func install(on listener: any Channel) async -> Bool {
    guard let options = listener as? any SocketOptionProvider else { return false }
    let memory = UnsafeMutablePointer<Instruction>.allocate(capacity: instructions.count)
    memory.initialize(from: instructions, count: instructions.count)
    defer { memory.deallocate() }
    let program = Program(count: UInt16(instructions.count), instructions: UnsafePointer(memory))
    let installed: Void? = try? await options.unsafeSetSocketOption(
      level: .socket, name: .init(rawValue: attachFilter), value: program
    ).get()
    return installed != nil
  }

  /// How many connections the kernel has established on a listening socket that have not been accepted; nil if it does
  /// not tell.
  static func backlog(of listener: any Channel) async -> Int? {
    guard let options = listener as? any SocketOptionProvider else { return nil }
    let information: Information? = try? await options.unsafeGetSocketOption(
      level: .tcp, name: .init(rawValue: tcpInformation)
    ).get()
    return information.map { Int($0.waiting) }
  }

  private static let tcpInformation = CInt(11)  // TCP_INFO

  /// The beginning of `struct tcp_info`, which holds for a listening socket the length of its queue.
  private struct Information: Sendable {
    var states: UInt64 = 0
    var times: (UInt32, UInt32) = (0, 0)
    var segments: (UInt32, UInt32) = (0, 0)
    var waiting: UInt32 = 0
  }
}
