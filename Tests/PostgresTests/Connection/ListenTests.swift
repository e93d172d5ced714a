import MainstayReactor
import Synchronization
import Testing

@testable import MainstayPostgres

@Suite(.timeLimit(.minutes(2))) struct ListenTests {
  @Test func deliversNotificationsToAnIdleConnection() async throws {
    try await withBench { bench in
      let heard = Signal<PostgresNotification>()
      let listener = try await bench.connect(.init(), .init(onNotification: { heard.send($0) }))
      let sender = try await bench.connect()
      _ = try await listener.execute("LISTEN news")
      _ = try await sender.execute("SELECT pg_notify('news', \("hello"))")
      let notification = await heard.wait()
      #expect(
        notification
          == PostgresNotification(
            channel: "news", payload: "hello", backendProcessID: sender.backendProcessID))
    }
  }

  @Test func deliversAllInOrderAlsoWhileBusy() async throws {
    try await withBench { bench in
      let heard = Mutex<[String]>([])
      let all = Signal<Bool>()
      let listener = try await bench.connect(
        .init(),
        .init(onNotification: { notification in
          let count = heard.withLock { heard in
            heard.append(notification.payload)
            return heard.count
          }
          if count == 500 { all.send(true) }
        }))
      let sender = try await bench.connect()
      _ = try await listener.execute("LISTEN many")
      async let busy: Void = {
        for _ in 0..<200 { _ = try await listener.execute("SELECT 1") }
      }()
      for number in 0..<500 { _ = try await sender.execute("SELECT pg_notify('many', \(String(number)))") }
      try await busy
      #expect(await all.wait())
      #expect(heard.withLock { $0 } == (0..<500).map(String.init))
    }
  }

  @Test func deliversNotices() async throws {
    try await withBench { bench in
      let heard = Signal<PostgresError>()
      let connection = try await bench.connect(.init(), .init(onNotice: { heard.send($0) }))
      try await connection.script("DO $$ BEGIN RAISE WARNING 'careful'; END $$")
      let notice = await heard.wait()
      #expect(notice.severity == .warning)
      #expect(notice.unsafeMessage == "careful")
    }
  }
}
