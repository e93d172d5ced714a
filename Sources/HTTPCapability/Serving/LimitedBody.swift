import NIOCore

/// A body whose length was not declared, cut off with a problem of status 413 where it gets too long.
struct LimitedBody: AsyncSequence, Sendable {
  let body: RequestBody
  let limit: Int

  struct Iterator: AsyncIteratorProtocol {
    var body: RequestBody.AsyncIterator
    let limit: Int
    var length = 0

    mutating func next() async throws -> ByteBuffer? {
      guard let buffer = try await body.next() else { return nil }
      length += buffer.readableBytes
      guard length <= limit else { throw HTTPProblem.bodyTooLong(limit: limit) }
      return buffer
    }
  }

  func makeAsyncIterator() -> Iterator { Iterator(body: body.makeAsyncIterator(), limit: limit) }
}
