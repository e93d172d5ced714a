import Testing

@testable import MainstayHTTPServer

struct HTTPDateTests {
  @Test(
    "Dates as RFC 9110 writes them",
    arguments: [
      (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
      (1_709_164_799, "Wed, 28 Feb 2024 23:59:59 GMT"),
    ])
  func format(second: Int, text: String) {
    #expect(HTTPDate.format(second) == text)
  }
}
