/// Waits until a condition holds, letting other tasks run in between. Throws if it does not within the limit: a test that
/// waits for something which never comes fails instead of hanging.
///
/// The limit is in real time, whatever clock the host lives by.
public func eventually(
  within limit: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now.advanced(by: limit)
  while try await !condition() {
    guard ContinuousClock.now < deadline else { throw NeverHappened(limit: limit) }
    try Task.checkCancellation()
    await Task.yield()
  }
}

/// What a test waited for did not happen.
public struct NeverHappened: Error, Sendable, CustomStringConvertible {
  /// How long it waited.
  public let limit: Duration

  /// How long it waited.
  public var description: String { "the condition did not become true within \(limit)" }
}
