import MainstayKernel
import Testing

@testable import MainstayRedis

@Suite("Options")
struct OptionsTests {
  @Test func readsURLs() throws {
    var options = try RedisOptions(url: "redis://ada:p%40ss:w@rd@example.org:7000/3")
    #expect(options.address == .tcp(host: "example.org", port: 7000))
    #expect(options.user == "ada" && options.password == Secret("p@ss:w@rd") && options.database == 3)
    #expect(options.tls == nil)
    options = try RedisOptions(url: "rediss://:secret@[::1]")
    #expect(options.address == .tcp(host: "::1", port: 6379) && options.user == nil && options.tls != nil)
    options = try RedisOptions(url: "unix:///run/redis.sock?db=2")
    #expect(options.address == .unix(path: "/run/redis.sock") && options.database == 2)
    options = try RedisOptions(url: "unix://:secret@/run/redis.sock")
    #expect(options.password == Secret("secret"))
  }

  @Test(arguments: [
    "secret", "http://secret", "redis://", "redis://user@host", "redis://:secret@host:0", "redis://:secret@host:70000",
    "redis://:secret@host/x", "redis://:secret@[::1", "redis://:sec%ret@host", "redis://:sec%ffret@host",
    "unix://secret",
    "unix:///path?secret=1", "redis://:secret@host?db=1", "redis://:secret@host/-1", "redis://:secret@:7",
  ])
  func badURLsAreExplainedAndNotRepeated(_ url: String) {
    #expect { try RedisOptions(url: url) } throws: { error in
      (error as? RedisError)?.code == .configuration && !"\(error)".contains("secret") && !"\(error)".contains("ret@")
    }
  }

  @Test func thePasswordIsNeverShown() throws {
    let options = try RedisOptions(url: "redis://ada:hunter2@example.org/1")
    #expect(options.description == "redis://ada:<redacted>@example.org:6379/1")
    var dumped = ""
    dump(options, to: &dumped)
    #expect(!"\(options) \(String(reflecting: options)) \(dumped)".contains("hunter2"))
  }

  @Test func pausesGrowToALimitAndAreShortenedAtRandom() {
    var schedule = ReconnectSchedule(first: .milliseconds(50), longest: .milliseconds(300))
    let pauses = (0..<5).map { _ in schedule.pauseAfterFailure(random: 0) }
    #expect(pauses == [50, 100, 200, 300, 300].map { Duration.milliseconds($0) })
    #expect(schedule.pauseAfterFailure(random: 0.5) == .milliseconds(225))
    for _ in 0..<100 { _ = schedule.pauseAfterFailure(random: 0) }
    schedule.succeeded()
    #expect(schedule.pauseAfterFailure(random: 0) == .milliseconds(50))
  }
}

@Suite("Errors")
struct ErrorTests {
  @Test func serversErrorsAreClassifiedAndTheirDataWithheld() {
    let cases: [(String, String, RedisError.Effect)] = [
      ("READONLY You can't write against a read only replica.", "READONLY", .replaceConnection),
      ("LOADING Redis is loading the dataset in memory", "LOADING", .retryLater),
      ("MOVED 3999 127.0.0.1:6381", "MOVED", .redirected),
      ("WRONGTYPE Operation against a key", "WRONGTYPE", .none),
      ("ERR unknown command 'x', with args beginning with: 'hunter2'", "ERR", .none),
      ("hunter2", "ERR", .none),
    ]
    for (text, code, effect) in cases {
      let error = RedisError(serverText: text)
      #expect(error.serverCode == code && error.effect == effect && error.code == .server)
      #expect(!"\(error)".contains("hunter2") && !String(reflecting: error).contains("hunter2"))
    }
  }
}
