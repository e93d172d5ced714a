import Instrumentation

/// Handlers that run in a task of their own.
enum EventHandling {
  /// Hands each event to the handler, in the event's request context, until the mailbox has been closed and emptied.
  static func run<Element: Sendable>(
    _ mailbox: Mailbox<Element>, context: @escaping @Sendable (Element) -> ServiceContext?,
    _ handler: @escaping @Sendable (Element) async throws -> Void
  ) -> Task<Void, Never> {
    Task.detached {
      _ = mailbox.lease()
      while let element = await mailbox.next() {
        await handle(element, in: context(element), mailbox, handler)
      }
    }
  }

  private static func handle<Element: Sendable>(
    _ element: Element, in context: ServiceContext?, _ mailbox: Mailbox<Element>,
    _ handler: @Sendable (Element) async throws -> Void
  ) async {
    if Task.isCancelled { return mailbox.abandon(element) }
    do {
      if let context {
        try await ServiceContext.withValue(context) { try await handler(element) }
      } else {
        try await handler(element)
      }
    } catch {
      mailbox.fail(element, String(String(describing: error).prefix(500)))
    }
  }
}
