import MainstayTesting
import Testing

@testable import MainstayKernel

@Suite struct LogScrubberTests {
  @Test(arguments: [
    ("connecting to postgres://app:s3cr3t@db:5432/clinic?sslmode=require", "s3cr3t"),
    ("redis://:hunter2@cache:6379", "hunter2"), ("postgres://app:p@ss:w0rd@db/x", "w0rd"),
    ("host=db password=hunter2 user=app", "hunter2"), ("password='hun ter2' host=db", "ter2"),
    (#"{"user":"a","password":"hun\"ter2","x":1}"#, "ter2"), (#"body {\"password\":\"hunter2\"}"#, "hunter2"),
    ("DB_PASSWORD: hunter2", "hunter2"), ("api_key=abc123", "abc123"), ("x-api-key: abc123", "abc123"),
    ("apiKey=abc", "abc"), ("clientSecret = abcdef", "abcdef"), ("token=abc", "abc"), ("?access_token=abc&x=1", "abc"),
    ("token: 9f8e7d6c5b4a", "9f8e7d6c5b4a"), ("Authorization: Bearer abc.def.ghi", "abc.def"),
    ("authorization: Digest username=joe, realm=x", "joe"), ("sent Bearer 0123456789abcdef", "0123456789abcdef"),
    ("Basic dXNlcjpwYXNz=", "dXNlcjpwYXNz"), ("Cookie: session=abc; id=1", "abc"),
    ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl back", "c2lnbmF0dXJl"),
    ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7"), ("ghp_0123456789abcdefghij0123456789abcdef", "ghp_01"),
    ("ssn 123-45-6789.", "6789"), ("SSN=123456789", "123456789"), ("patient mrn: 00-1234", "1234"), ("mrn=77", "77"),
    ("card 4111 1111 1111 1111 declined", "1111"), ("card 4111-1111-1111-1111", "1111"),
    ("pan=5500005555555559", "5555"),
    ("378282246310005 amex", "82246"), ("mail to jane.doe+x@mail.example.org now", "jane.doe"),
    ("date_of_birth=1970-01-02", "1970"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY----- x", "MIIabc"),
    ("-----BEGIN PRIVATE KEY-----\nMIIabc", "MIIabc"),
  ])
  func hides(_ text: String, _ secret: String) throws {
    let scrubbed = try #require(LogScrubber.scrub(text))
    #expect(!scrubbed.contains(secret), "\(scrubbed)")
    #expect(scrubbed.contains("<redacted>"))
    #expect(LogScrubber.scrubbed(scrubbed) == scrubbed, "a second pass changes nothing")
  }

  @Test(arguments: [
    ("connecting to postgres://app:s3cr3t@db:5432/clinic", "connecting to postgres://app:<redacted>@db:5432/clinic"),
    ("host=db password=hunter2 user=app", "host=db password=<redacted> user=app"),
    (#"{"user":"a","password":"x","n":1}"#, #"{"user":"a","password":"<redacted>","n":1}"#),
    ("a b@c.de, d", "a <redacted>, d"), ("?token=a&x=1", "?token=<redacted>&x=1"),
  ])
  func leavesTheRest(_ text: String, _ expected: String) { #expect(LogScrubber.scrub(text) == expected) }

  @Test(arguments: [
    "listening on 0.0.0.0:8080", "http://localhost:8080/health?x=1", "started in 12.5 ms, 11 plugins",
    "123e4567-e89b-12d3-a456-426614174000", "550e8400-e29b-41d4-a716-446655440000", "2026-11-21T05:28:21.123Z",
    "2026-11-21 05:28:21", "1732166901123", "1732166901123456789", "unexpected token: expected ')'", "invalid token",
    "the password is missing", "basic authentication", "bearer of news", "max_tokens=5", "tokens: 12", "passes: 3",
    "compass=north", "swift-nio@2.101.2", "user@localhost", "postgres://db:5432/x", "postgres://app@db/x", "a=b c=d",
    "retry 1 of 10 10 10 10", "phone 555-1234", "000-12-3456", "123-45-67890", "x123-45-6789", "4111 1111 1111 1112",
    "0af7651916cd43dd8448eb211c80319c", "10.0.0.1 - - GET /a 200", "-----BEGIN CERTIFICATE-----", "eyJ", "::1", "a::b",
    "", "@", "://", "password", "password=", "é ü 😀", "plugin 'pool' requires 'secret'",
  ])
  func leavesAlone(_ text: String) { #expect(LogScrubber.scrub(text) == nil, "\(LogScrubber.scrubbed(text))") }

  @Test(arguments: [
    ("password", true), ("DB_PASSWORD", true), ("apiKey", true), ("X-Api-Key", true), ("ssn", true),
    ("patient_mrn", true),
    ("Authorization", true), ("compass", false), ("session", false), ("max_tokens", false), ("user", false),
    ("", false),
  ])
  func knowsNames(_ key: String, _ isSensitive: Bool) { #expect(LogScrubber.isSensitive(key: key) == isSensitive) }

  @Test func survivesAnything() {
    var random = SeededGenerator(seed: 17)
    let pieces = [
      "password", "=", ":", "\"", "'", "\\", "//", "@", "a.de", "123-45-6789", "4111", " ", "-----BEGIN ", "eyJ", "é",
      "\n",
    ]
    for _ in 0..<20_000 {
      let text = random.words(from: pieces, 0...12).joined()
      let scrubbed = LogScrubber.scrubbed(text)
      #expect(LogScrubber.scrubbed(scrubbed).utf8.count <= scrubbed.utf8.count + 22)
    }
  }
}
