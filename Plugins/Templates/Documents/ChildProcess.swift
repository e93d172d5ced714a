import Glibc
import MainstayKernel

/// A program that is run once: bytes in, bytes out, ended at a deadline. It has an environment of its own and a folder of
/// its own, which is removed afterwards.
struct ChildProcess: Sendable {
  /// Where the program reads and writes.
  enum Exchange: Sendable, Equatable {
    case standardStreams
    /// Files in its folder.
    case files(input: String, output: String)
  }

  /// In an argument, stands for the folder.
  static let folder = "{folder}"

  enum Outcome: Sendable, Equatable {
    case finished([UInt8])
    case failed
    case timedOut
    case tooLong
  }

  let path: String
  let arguments: [String]
  var exchange = Exchange.standardStreams
  let timeout: Duration
  let mostBytes: Int

  /// Runs it on a thread of its own, since reading and writing wait.
  func run(input: [UInt8]) async -> Outcome {
    await withCheckedContinuation { continuation in
      let work = ThreadWork { continuation.resume(returning: execute(input)) }
      if !work.start() { continuation.resume(returning: .failed) }
    }
  }

  private func execute(_ input: [UInt8]) -> Outcome {
    var template = Array("/tmp/mainstay-document-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { return .failed }
    let folder = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    defer { removeFolder(folder) }
    guard case .files(let inputName, let outputName) = exchange else { return execute(input, in: folder) }
    guard Self.write(input, to: "\(folder)/\(inputName)") else { return .failed }
    let outcome = execute([], in: folder)
    guard case .finished = outcome else { return outcome }
    do {
      return .finished(try DiskFiles().read("\(folder)/\(outputName)", limit: mostBytes))
    } catch {
      var status = stat()
      let isLong = stat("\(folder)/\(outputName)", &status) == 0 && Int(status.st_size) > mostBytes
      return isLong ? .tooLong : .failed
    }
  }

  private static func write(_ bytes: [UInt8], to path: String) -> Bool {
    guard let file = fopen(path, "wbxe") else { return false }
    let count = fwrite(bytes, 1, bytes.count, file)
    return fclose(file) == 0 && count == bytes.count
  }

  private func execute(_ input: [UInt8], in folder: String) -> Outcome {
    guard let toChild = Self.pair() else { return .failed }
    guard let fromChild = Self.pair() else {
      for descriptor in toChild { close(descriptor) }
      return .failed
    }
    guard let child = spawn(folder, input: toChild[0], output: fromChild[1]) else {
      for descriptor in toChild + fromChild { close(descriptor) }
      return .failed
    }
    close(toChild[0])
    close(fromChild[1])
    let result = converse(input, toChild[1], fromChild[0])
    if case .finished = result {} else { kill(-child, SIGKILL) }
    return reap(child, result)
  }

  /// Two ends of one connection, which no other child inherits.
  private static func pair() -> [Int32]? {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    return socketpair(AF_UNIX, kind, 0, &ends) == 0 ? ends : nil
  }

  private func spawn(_ folder: String, input: Int32, output: Int32) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    guard posix_spawn_file_actions_init(&actions) == 0 else { return nil }
    defer { posix_spawn_file_actions_destroy(&actions) }
    guard posix_spawnattr_init(&attributes) == 0 else { return nil }
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    // A group of its own, so that what it starts ends with it.
    posix_spawnattr_setpgroup(&attributes, 0)
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
    let arguments = arguments.map { $0.split(separator: Self.folder, omittingEmptySubsequences: false) }
    var words = ([path] + arguments.map { $0.joined(separator: folder) }).map { strdup($0) } + [nil]
    let settings: [String] = [
      "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + folder, "TMPDIR=" + folder, "LANG=C.UTF-8",
    ]
    var environment = settings.map { strdup($0) } + [nil]
    defer { for word in words + environment { free(word) } }
    var child: pid_t = 0
    var error = posix_spawn(&child, path, &actions, &attributes, &words, &environment)
    // A program that is being written, or that another child still holds open for the moment until it runs its own.
    for _ in 0..<50 where error == ETXTBSY {
      usleep(10_000)
      error = posix_spawn(&child, path, &actions, &attributes, &words, &environment)
    }
    return error == 0 ? child : nil
  }

  /// Writes the input and reads the output until it ends; closes both.
  private func converse(_ input: [UInt8], _ writer: Int32, _ reader: Int32) -> Outcome {
    var writer = writer
    defer {
      if writer >= 0 { close(writer) }
      close(reader)
    }
    _ = fcntl(writer, F_SETFL, O_NONBLOCK)
    _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    let deadline = ContinuousClock.now.advanced(by: timeout)
    var output: [UInt8] = []
    var written = 0
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let left = ContinuousClock.now.duration(to: deadline)
      guard left > .zero else { return .timedOut }
      var waits = [pollfd(fd: reader, events: Int16(POLLIN), revents: 0)]
      if writer >= 0 { waits.append(pollfd(fd: writer, events: Int16(POLLOUT), revents: 0)) }
      _ = poll(&waits, UInt(waits.count), Int32(min(left / .milliseconds(1), 1000)) + 1)
      if writer >= 0, waits.count > 1, waits[1].revents != 0 {
        let count = send(input, from: written, to: writer)
        written += max(count, 0)
        if count < 0 || written >= input.count {
          close(writer)
          writer = -1
        }
      }
      guard waits[0].revents != 0 else { continue }
      let count = read(reader, &chunk, chunk.count)
      if count == 0 { return .finished(output) }
      if count < 0 { if errno == EAGAIN || errno == EINTR { continue } else { return .failed } }
      output.append(contentsOf: chunk[..<count])
      if output.count > mostBytes { return .tooLong }
    }
  }

  /// How much was written; less than zero if the child does not read any more.
  private func send(_ input: [UInt8], from start: Int, to descriptor: Int32) -> Int {
    let count = input.withUnsafeBytes { bytes in
      bytes.baseAddress.map { Glibc.send(descriptor, $0 + start, bytes.count - start, Int32(MSG_NOSIGNAL)) } ?? 0
    }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : count
  }

  /// Waits for the end of the child, and ends what it has started and left behind. Its output has ended or it was killed,
  /// so it ends soon; one that closes its output and goes on is ended.
  private func reap(_ child: pid_t, _ result: Outcome) -> Outcome {
    var hasEnded = false
    for _ in 0..<200 where !hasEnded {
      // The number stays taken until the child is waited for below, so that no other group can have it.
      var information = siginfo_t()
      let error = waitid(P_PID, id_t(child), &information, WEXITED | WNOHANG | WNOWAIT)
      if error != 0 && errno != EINTR { return .failed }
      hasEnded = error == 0 && information.si_signo == SIGCHLD
      if !hasEnded { usleep(10_000) }
    }
    kill(-child, SIGKILL)
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      if errno != EINTR { return .failed }
    }
    if !hasEnded { return .timedOut }
    return status == 0 || result == .timedOut || result == .tooLong ? result : .failed
  }

  /// Removes a folder and what is in it. Links are removed, not followed.
  private func removeFolder(_ folder: String, depth: Int = 0) {
    guard !folder.isEmpty, depth < 32, let handle = opendir(folder) else { return }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append("\(folder)/\(name)") }
    }
    closedir(handle)
    for name in names where unlink(name) != 0 { removeFolder(name, depth: depth + 1) }
    rmdir(folder)
  }
}

/// Something done once on a thread of its own.
private final class ThreadWork: Sendable {
  private let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }

  func start() -> Bool {
    var thread = pthread_t()
    let this = Unmanaged.passRetained(self)
    let result = pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer else { return nil }
        Unmanaged<ThreadWork>.fromOpaque(pointer).takeRetainedValue().body()
        return nil
      }, this.toOpaque())
    if result != 0 {
      this.release()
      return false
    }
    pthread_detach(thread)
    return true
  }
}
