import Glibc

/// The addresses of hosts' names. The system's resolver blocks, for as long as the name servers please, and cannot be
/// interrupted; so it has threads of its own, and whoever waits for it needs a deadline of its own.
public struct NameLookup: Sendable {
  /// What came of a lookup: the addresses in the order in which the system prefers them, at least one.
  public typealias Answer = Result<[HostAddress], NameLookupError>

  private let threads: BlockingThreads
  private let resolve: @Sendable (String) -> Answer

  /// A lookup by other means than the system's, as tests want.
  ///
  /// - Parameter resolve: Called on one of the threads; it may block.
  public init(threads: BlockingThreads, resolve: @escaping @Sendable (String) -> Answer) {
    self.threads = threads
    self.resolve = resolve
  }

  /// The system's resolver (`getaddrinfo`), for everybody in this process: four names at a time, 256 may wait.
  public static let system = NameLookup(
    threads: BlockingThreads(name: "name-lookup", threads: 4, queueLimit: 256), resolve: { HostAddress.resolve($0) })

  /// Looks a name up and calls `answer` once: on a thread of the lookup's, or at once on the caller's if too many lookups
  /// hang already.
  public func start(_ host: String, _ answer: @escaping @Sendable (Answer) -> Void) {
    let isTaken = threads.run { [resolve] in answer(resolve(host)) }
    if !isTaken { answer(.failure(.busy)) }
  }
}

/// Why a name has no address.
public struct NameLookupError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure it is.
  public enum Code: Sendable, Hashable {
    /// The name is unknown, or the name servers do not answer.
    case notFound
    /// Too many lookups hang already.
    case busy
  }

  /// What kind of failure it is.
  public let code: Code
  /// What happened.
  public let message: String

  /// An error of a lookup.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }

  static var busy: NameLookupError {
    NameLookupError(.busy, "too many lookups of host names hang; look at the name servers")
  }
}
