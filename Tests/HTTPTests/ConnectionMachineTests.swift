import NIOCore
import NIOHTTP1
import Testing

@testable import MainstayHTTPServer

/// Transcripts: what happens, and what the machine decides.
struct ConnectionMachineTests {
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
  private let limits = ConnectionMachine.Limits(
    idle: .seconds(60), head: .seconds(10), request: .seconds(30), linger: .seconds(2), target: 100)

  private var machine: ConnectionMachine { ConnectionMachine(limits: limits, now: start) }

  private func head(
    _ method: HTTPMethod = .GET, _ uri: String = "/", version: HTTPVersion = .http1_1,
    _ headers: HTTPHeaders = ["host": "x"]
  ) -> HTTPRequestHead {
    HTTPRequestHead(version: version, method: method, uri: uri, headers: headers)
  }

  @Test("A client that closes its side still gets an answer that ends, but no stream of events")
  func goneClients() {
    var machine = machine
    #expect(machine.received(head(), now: start) == nil)
    machine.receivedEnd()
    _ = machine.beginsResponse(closing: false)
    var (ended, late) = (machine, machine)
    let closes = [ended.clientClosed(), late.clientClosed(), late.beganEndlessResponse()]
    #expect(closes == [false, false, true])
    let closesLater = [machine.beganEndlessResponse(), machine.clientClosed()]
    #expect(closesLater == [false, true])
  }

  @Test(
    "Host is a host, or a host and a port",
    arguments: [
      ("", true), ("example.org", true), ("a_b:8080", true), ("127.0.0.1:", true), ("[::1]:80", true), ("a%20b", true),
      ("a b", false), ("a/b", false), ("user@a", false), ("a:b", false), ("a:1:2", false), ("[::1", false),
      ("[]", false),
      ("[::1]x", false), ("a%2", false), ("a%zz", false), ("a,b", true), ("a\"", false), ("é", false), ("a\\b", false),
    ])
  func hosts(value: String, isValid: Bool) {
    var machine = machine
    let refusal = machine.received(head(.GET, "/", ["host": value]), now: start)
    #expect(refusal?.status == (isValid ? nil : .badRequest))
  }

  @Test("Framing that outgrows the body is refused, unless the body is complete")
  func framing() {
    var machine = machine
    #expect(machine.received(head(.POST, "/", ["host": "x", "transfer-encoding": "chunked"]), now: start) == nil)
    machine.received(framed: 100_000)
    machine.received(body: 90_000)
    #expect(machine.refusesFraming() == .wait)
    machine.received(framed: 90_000 * 16 + 60_000)
    let refusal = ConnectionMachine.Refusal(
      status: .payloadTooLarge, detail: "The framing of the body is larger than its content.")
    #expect(machine.refusesFraming() == .giveUp(refusal))
    var answered = machine
    _ = answered.beginsResponse(closing: false)
    #expect(answered.refusesFraming() == .close)
    machine.receivedEnd()
    #expect(machine.refusesFraming() == .wait)
  }

  @Test("Request, response, the next request")
  func keepAlive() {
    var machine = machine
    #expect(machine.received(head(), now: start) == nil)
    machine.receivedEnd()
    let closes = machine.beginsResponse(closing: false)
    #expect(!closes)
    let isOpen = machine.endedResponse(now: start + .seconds(5))
    #expect(isOpen)
    #expect(machine.state == .waiting)
    #expect(machine.deadline == start + .seconds(65))
  }

  @Test("The connection ends where the client, the version, the server or an unread body says so")
  func endings() {
    let endings: [(HTTPRequestHead, isReceived: Bool, closing: Bool)] = [
      (head(.GET, "/", ["host": "x", "connection": "Close"]), true, false),
      (head(.GET, "/", version: .http1_0, [:]), true, false),
      (head(.GET, "/", version: .http1_0, ["connection": "keep-alive"]), true, false),
      (head(), true, true),
      (head(.POST), false, false),
    ]
    for (head, isReceived, closing) in endings {
      var machine = machine
      #expect(machine.received(head, now: start) == nil)
      if isReceived { machine.receivedEnd() }
      let closes = machine.beginsResponse(closing: closing)
      #expect(closes)
      let isOpen = machine.endedResponse(now: start)
      #expect(!isOpen)
      #expect(machine.state == .lingering)
      #expect(machine.timeElapsed(now: start + .seconds(2)) == .close)
    }
  }

  private func head(_ method: HTTPMethod, _ uri: String, _ headers: HTTPHeaders) -> HTTPRequestHead {
    HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers)
  }

  @Test("Refusals")
  func refusals() {
    func status(_ head: HTTPRequestHead) -> UInt? {
      var machine = machine
      return machine.received(head, now: start)?.status.code
    }
    #expect(status(head(.GET, "/", [:])) == 400)
    #expect(status(head(.GET, "/", ["host": "a", "Host": "b"])) == 400)
    #expect(status(head(.GET, "/", version: .http1_0, [:])) == nil)
    #expect(status(head(.GET, "/", version: HTTPVersion(major: 2, minor: 0))) == 505)
    #expect(status(head(.GET, String(repeating: "x", count: 101))) == 414)
    #expect(status(head(.GET, "/", ["host": "x", "expect": "tea"])) == 417)
    #expect(status(head(.GET, "/", ["host": "x", "expect": "100-Continue"])) == nil)
  }

  @Test("100 Continue is sent once, and only while the body is awaited")
  func continues() {
    var machine = machine
    let early = machine.shouldContinue()
    #expect(!early)
    _ = machine.received(head(.POST, "/", ["host": "x", "expect": "100-continue"]), now: start)
    let first = machine.shouldContinue()
    #expect(first)
    let again = machine.shouldContinue()
    #expect(!again)
    var late = self.machine
    _ = late.received(head(.POST, "/", ["host": "x", "expect": "100-continue"]), now: start)
    late.receivedEnd()
    let isSent = late.shouldContinue()
    #expect(!isSent)
  }

  @Test("Deadlines: idle, head, body, answer, a client that does not read")
  func deadlines() {
    var idle = machine
    #expect(idle.timeElapsed(now: start + .seconds(59)) == .wait)
    #expect(idle.timeElapsed(now: start + .seconds(60)) == .close)

    var trickling = machine
    trickling.receivedPartOfHead(now: start + .seconds(5))
    trickling.receivedPartOfHead(now: start + .seconds(14))
    #expect(giveUp(&trickling, after: .seconds(15)) == 408)
    #expect(!trickling.isIdle)

    var body = machine
    _ = body.received(head(.POST), now: start)
    #expect(giveUp(&body, after: .seconds(30)) == 408)

    var answer = machine
    _ = answer.received(head(), now: start)
    answer.receivedEnd()
    #expect(giveUp(&answer, after: .seconds(30)) == 503)

    var stalled = machine
    _ = stalled.received(head(), now: start)
    stalled.receivedEnd()
    _ = stalled.beginsResponse(closing: false)
    #expect(stalled.deadline == .distantFuture)
    stalled.becameWritable(false, now: start)
    #expect(stalled.timeElapsed(now: start + .seconds(60)) == .close)
    stalled.becameWritable(true, now: start)
    #expect(stalled.timeElapsed(now: start + .seconds(600)) == .wait)
  }

  private func giveUp(_ machine: inout ConnectionMachine, after time: TimeAmount) -> UInt? {
    guard case .giveUp(let refusal) = machine.timeElapsed(now: start + time) else { return nil }
    return refusal.status.code
  }

  @Test("A route's own time replaces the server's, from the request's beginning, until the response begins")
  func allowance() {
    var machine = machine
    _ = machine.received(head(), now: start)
    machine.allow(.seconds(300))
    #expect(machine.deadline == start + .seconds(300))
    machine.receivedEnd()
    _ = machine.beginsResponse(closing: false)
    machine.allow(.seconds(1))
    #expect(machine.deadline == .distantFuture)
  }

  @Test("What is not HTTP is refused, told to the handler, kept or ignored, depending on whose it is")
  func failures() {
    var machine = machine
    #expect(machine.failed() == .refuse)
    _ = machine.received(head(.POST), now: start)
    #expect(machine.failed() == .tellHandler)
    machine.receivedEnd()
    #expect(machine.failed() == .keep)
    machine.refused(now: start)
    #expect(machine.failed() == .ignore)
  }

  @Test("A client that closes its side still gets the answer to what it asked, then the end")
  func halfClosed() {
    var machine = machine
    _ = machine.received(head(), now: start)
    machine.receivedEnd()
    let isOver = machine.clientClosed()
    #expect(!isOver)
    _ = machine.beginsResponse(closing: false)
    let goesOn = machine.endedResponse(now: start)
    #expect(!goesOn)
    #expect(machine.state == .lingering)
    var idle = self.machine
    let closesIdle = idle.clientClosed()
    #expect(closesIdle)
  }
}
