import MainstayTesting
import Testing

@testable import MainstayKernel

/// Transcripts: what is put in, and what the machine answers. Waiters are numbers.
@Suite struct MailboxMachineTests {
  typealias Machine = MailboxMachine<Int, Int>

  private func transcript(_ buffer: EventBuffer, _ body: (inout Machine, inout [String]) -> Void) -> [String] {
    var machine = Machine(buffer)
    var lines: [String] = []
    body(&machine, &lines)
    return lines
  }

  @Test func wakesOnlyAParkedConsumer() {
    let lines = transcript(.dropOldest(4)) { machine, lines in
      lines.append("\(machine.park(9))")
      lines.append("\(machine.offer(1))")
      lines.append("\(machine.offer(2))")
      lines.append("\(machine.park(9))")
    }
    #expect(lines == ["true", "wake(9)", "stored", "false"])
  }

  @Test func dropOldestKeepsTheLatest() {
    var batch = EventRing<Int>()
    let lines = transcript(.dropOldest(2)) { machine, lines in
      for event in 1...4 { lines.append("\(machine.offer(event))") }
      lines.append("\(machine.take(into: &batch))")
      lines.append("\(batch.elements) \(machine.offered) \(machine.dropped) \(machine.highWater)")
    }
    #expect(lines == ["stored", "stored", "displaced(1)", "displaced(2)", "batch(resume: [])", "[3, 4] 4 2 2"])
  }

  @Test func dropNewestKeepsTheFirst() {
    var batch = EventRing<Int>()
    let lines = transcript(.dropNewest(2)) { machine, lines in
      for event in 1...3 { lines.append("\(machine.offer(event))") }
      _ = machine.take(into: &batch)
      lines.append("\(batch.elements)")
    }
    #expect(lines == ["stored", "stored", "dropped(3)", "[1, 2]"])
  }

  @Test func suspendLetsSendersWaitAndDropsWhatIsPublished() {
    var batch = EventRing<Int>()
    let lines = transcript(.suspend(1)) { machine, lines in
      lines.append("\(machine.send(1, id: 1, waiter: 11))")
      lines.append("\(machine.send(2, id: 2, waiter: 22))")
      lines.append("\(machine.send(3, id: 3, waiter: 33))")
      lines.append("\(machine.offer(4))")
      for _ in 0..<4 {
        lines.append("\(machine.take(into: &batch)) \(batch.removeAll())")
      }
    }
    #expect(
      lines == [
        "stored", "waiting", "waiting", "dropped(4)", "batch(resume: [22]) [1]", "batch(resume: [33]) [2]",
        "batch(resume: []) [3]", "empty []",
      ])
  }

  @Test func aSenderThatDoesNotWaitLosesItsEvent() {
    let lines = transcript(.suspend(1)) { machine, lines in
      _ = machine.send(1, id: 1, waiter: 11)
      _ = machine.send(2, id: 2, waiter: 22)
      lines.append("\(machine.withdrawSender(2).map { ($0.element, $0.waiter) } ?? (0, 0))")
      lines.append("\(machine.withdrawSender(2) == nil)")
      lines.append("\(machine.offered) \(machine.dropped)")
    }
    #expect(lines == ["(2, 22)", "true", "2 1"])
  }

  @Test func disconnectEndsAfterWhatWaits() {
    var batch = EventRing<Int>()
    let lines = transcript(.disconnect(1)) { machine, lines in
      for event in 1...3 { lines.append("\(machine.offer(event))") }
      lines.append("\(machine.take(into: &batch)) \(batch.removeAll())")
      lines.append("\(machine.take(into: &batch))")
    }
    #expect(lines == ["stored", "disconnected(2)", "refused(3)", "batch(resume: []) [1]", "finished"])
  }

  @Test func closingWakesEverybody() {
    let lines = transcript(.suspend(1)) { machine, lines in
      _ = machine.send(1, id: 1, waiter: 11)
      _ = machine.send(2, id: 2, waiter: 22)
      let closing = machine.close(discarding: false)
      lines.append("\(closing.senders) \(closing.lost) \(closing.consumer == nil)")
      lines.append("\(machine.close(discarding: true).lost)")
      lines.append("\(machine.offered) \(machine.dropped)")
    }
    #expect(lines == ["[22] [2] true", "[1]", "2 2"])
  }

  /// Random steps against a model made of arrays.
  @Test(arguments: [EventBuffer.dropOldest(3), .dropNewest(3), .suspend(3), .disconnect(3)])
  func agreesWithAModel(_ buffer: EventBuffer) {
    var random = SeededGenerator(seed: 3)
    for round in 0..<500 {
      var machine = Machine(buffer)
      var batch = EventRing<Int>()
      var model: [Int] = []
      var isClosed = false
      var dropped = 0
      var taken = 0
      for event in 0..<40 {
        if Int.random(in: 0..<4, using: &random) == 0 {
          _ = machine.take(into: &batch)
          #expect(batch.elements == model, "round \(round)")
          taken += model.count
          model = []
          _ = batch.removeAll()
        } else {
          _ = machine.offer(event)
          if isClosed {
            dropped += 1
          } else if model.count < 3 {
            model.append(event)
          } else {
            dropped += 1
            if case .dropOldest = buffer { model = model.dropFirst() + [event] }
            if case .disconnect = buffer { isClosed = true }
          }
        }
        #expect(machine.dropped == dropped && machine.offered == taken + dropped + model.count)
      }
    }
  }
}
