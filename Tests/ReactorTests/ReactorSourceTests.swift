import Glibc
import Synchronization
import Testing

@testable import MainstayReactor

@Suite(.timeLimit(.minutes(1))) struct ReactorSourceTests {
  @Test func reportsWhatCanBeRead() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let pair = try SocketPair()
    let text = await withUnsafeContinuation { continuation in
      reactor.submit {
        let probe = Probe { probe, events in
          guard events == .readable else { return }
          continuation.resume(returning: pair.read(0))
          probe.source.withLock { $0 }?.cancel()
        }
        probe.start(reactor, pair.ends.0, .read)
        pair.write(1, "hello")
      }
    }
    #expect(text == "hello")
  }

  @Test func reportsRoomToWriteOnlyWhenAsked() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let pair = try SocketPair()
    let log = Mutex<[ReactorEvents]>([])
    let probe = Probe { probe, events in
      log.withLock { $0.append(events) }
      try? probe.source.withLock { $0 }?.watch(.read)
    }
    try await reactor.run { probe.start(reactor, pair.ends.0, .read) }
    try await reactor.run { try probe.source.withLock { $0 }?.watch([.read, .write]) }
    for _ in 0..<3 { _ = try await reactor.run { 0 } }
    #expect(log.withLock { $0 } == [.writable])
  }

  /// libpq closes its socket and opens another one, and the kernel hands out the same number.
  @Test func followsASocketSwappedBehindTheSameNumber() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let first = try SocketPair()
    let second = try SocketPair()
    let received = await withUnsafeContinuation { continuation in
      reactor.submit {
        let probe = Probe { probe, _ in
          continuation.resume(returning: second.read(0))
          probe.source.withLock { $0 }?.cancel()
        }
        probe.start(reactor, first.ends.0, .read)
        let number = first.ends.0
        close(number)
        #expect(fcntl(second.ends.0, F_DUPFD, number) == number)
        try? probe.source.withLock { $0 }?.watch(number, .read)
        second.write(1, "from the second")
      }
    }
    #expect(received == "from the second")
  }

  @Test func followsASocketSwappedBehindAnotherNumber() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let first = try SocketPair()
    let second = try SocketPair()
    let received = await withUnsafeContinuation { continuation in
      reactor.submit {
        let probe = Probe { probe, _ in
          continuation.resume(returning: second.read(0))
          probe.source.withLock { $0 }?.cancel()
        }
        probe.start(reactor, first.ends.0, .read)
        try? probe.source.withLock { $0 }?.watch(second.ends.0, .read)
        first.write(1, "from the first")
        second.write(1, "from the second")
      }
    }
    #expect(received == "from the second")
  }

  /// Both descriptors are ready in the same tick; the handler that runs first gives the other one up.
  @Test func deliversNothingAfterCancel() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let pairs = try [SocketPair(), SocketPair()]
    let calls = Mutex(0)
    let probes = Mutex<[Probe]>([])
    try await reactor.run {
      for pair in pairs {
        let probe = Probe { _, _ in
          calls.withLock { $0 += 1 }
          for probe in probes.withLock({ $0 }) { probe.source.withLock { $0 }?.cancel() }
        }
        probe.start(reactor, pair.ends.0, .read)
        probes.withLock { $0.append(probe) }
        pair.write(1, "x")
      }
    }
    for _ in 0..<3 { _ = try await reactor.run { 0 } }
    #expect(calls.withLock { $0 } == 1)
  }

  /// A peer who hangs up while nobody wants to read must not keep the thread awake.
  @Test func staysAsleepWithoutInterest() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let pair = try SocketPair()
    let calls = Mutex<[ReactorEvents]>([])
    let probe = Probe { probe, events in
      calls.withLock { $0.append(events) }
      probe.source.withLock { $0 }?.cancel()
    }
    try await reactor.run {
      probe.start(reactor, pair.ends.0, .read)
      try probe.source.withLock { $0 }?.watch([])
      pair.hangUp(1)
    }
    for _ in 0..<3 { _ = try await reactor.run { 0 } }
    #expect(calls.withLock { $0 }.isEmpty)
    try await reactor.run { try probe.source.withLock { $0 }?.watch(.read) }
    for _ in 0..<3 { _ = try await reactor.run { 0 } }
    #expect(calls.withLock { $0 } == [[.readable, .writable, .hangup]])
  }

  @Test func refusesWhatCannotBeWatched() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let probe = Probe { _, _ in }
    await #expect(throws: ReactorError.self) {
      try await reactor.run { _ = try reactor.watch(-1, .read, probe) }
    }
  }

  @Test func givesASlotASecondLifeUnderAnotherKey() {
    var table = SourceTable()
    var keys: [UInt64] = []
    guard let loop = try? ReactorLoop() else { return }
    let probe = Probe { _, _ in }
    for _ in 0..<3 {
      let source = table.add { key in
        keys.append(key)
        return ReactorSource(loop, fd: 0, key: key, probe)
      }
      #expect(table[keys[keys.count - 1]] === source)
      table.remove(keys[keys.count - 1])
      #expect(table[keys[keys.count - 1]] == nil)
    }
    #expect(Set(keys).count == 3)
    #expect(Set(keys.map { $0 & 0xffff_ffff }).count == 1)
  }
}

/// Both ends of a connection within the process.
final class SocketPair: Sendable {
  let ends: (Int32, Int32)

  init() throws {
    var pair: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    ends = (pair[0], pair[1])
  }

  deinit {
    close(ends.0)
    close(ends.1)
  }

  private func end(_ index: Int) -> Int32 { index == 0 ? ends.0 : ends.1 }

  func write(_ index: Int, _ text: String) { _ = Glibc.write(end(index), text, text.utf8.count) }

  func read(_ index: Int) -> String {
    var buffer = [UInt8](repeating: 0, count: 100)
    let count = Glibc.read(end(index), &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }

  func hangUp(_ index: Int) { Glibc.shutdown(end(index), Int32(SHUT_RDWR)) }
}

final class Probe: ReactorHandler {
  let source = Mutex<ReactorSource?>(nil)
  private let body: @Sendable (Probe, ReactorEvents) -> Void

  init(_ body: @escaping @Sendable (Probe, ReactorEvents) -> Void) { self.body = body }

  func start(_ reactor: Reactor, _ fd: Int32, _ interest: ReactorInterest) {
    let made = try? reactor.watch(fd, interest, self)
    source.withLock { $0 = made }
  }

  func ready(_ events: ReactorEvents) { body(self, events) }
}
