import Glibc
import Synchronization

/// Where finished lines go.
public protocol LogOutput: Sendable {
  /// Writes one line, its line feed included.
  func write(_ line: [UInt8])
}

/// Standard error or standard output, or any descriptor that stays open.
///
/// A line goes out whole, with one `write` where the system takes it. A reader that does not read holds a line up for a
/// quarter of a second; after that lines are dropped until it reads again, and counted.
/// A reader that is gone is not an error: SIGPIPE is ignored in the process from the first line on.
public final class DescriptorOutput: LogOutput {
  private struct State {
    var isStalled = false
    var dropped = 0
    var isMidLine = false
  }

  /// What the system takes from a pipe at once, without mixing it with what others write.
  private static let chunk = 4096
  private static let patience: Int32 = 250

  private let descriptor: Int32
  private let isFile: Bool
  private let state = Mutex(State())

  /// Standard error.
  public static let standardError = DescriptorOutput(descriptor: STDERR_FILENO)
  /// Standard output.
  public static let standardOutput = DescriptorOutput(descriptor: STDOUT_FILENO)

  /// Writes to a descriptor, which is not closed.
  public init(descriptor: Int32) {
    self.descriptor = descriptor
    var status = stat()
    isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    signal(SIGPIPE, SIG_IGN)
  }

  /// How many lines the reader did not take.
  public var dropped: Int { state.withLock { $0.dropped } }

  /// Writes a line, or drops it if the reader does not read.
  public func write(_ line: [UInt8]) {
    state.withLock { state in
      if state.isMidLine { state.isMidLine = !send([0x0A], &state).isDone }
      let sent = state.isMidLine ? Sent(isDone: false, isPartial: false) : send(line, &state)
      if sent.isPartial { state.isMidLine = true }
      if !sent.isDone { state.dropped += 1 }
    }
  }

  private struct Sent {
    var isDone: Bool
    var isPartial: Bool
  }

  private func send(_ line: [UInt8], _ state: inout State) -> Sent {
    line.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        guard waitForRoom(&state), let count = writeSome(rest) else {
          return Sent(isDone: false, isPartial: rest.count < bytes.count)
        }
        rest = rest.dropFirst(count)
      }
      return Sent(isDone: true, isPartial: false)
    }
  }

  /// Nil if the descriptor takes nothing any more. 0 if it is to be tried again.
  private func writeSome(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
    let part = UnsafeRawBufferPointer(rebasing: isFile ? bytes : bytes.prefix(DescriptorOutput.chunk))
    let count = Glibc.write(descriptor, part.baseAddress, part.count)
    if count >= 0 { return count }
    return errno == EINTR || errno == EAGAIN ? 0 : nil
  }

  private func waitForRoom(_ state: inout State) -> Bool {
    if isFile { return true }
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    let ready = poll(&request, 1, state.isStalled ? 0 : DescriptorOutput.patience)
    state.isStalled = ready == 0
    return ready > 0 || (ready < 0 && errno == EINTR)
  }
}
