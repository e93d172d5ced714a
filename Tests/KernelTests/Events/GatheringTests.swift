import Testing

@testable import MainstayKernel

@Suite("Gathering")
struct GatheringTests {
  @Test("a quiet stream takes its event at once and parks after one look")
  func quiet() {
    var gathering = Gathering()
    #expect(gathering.pauses == 0)
    #expect(gathering.patience == 1)
    gathering.found(1, after: 0)
    gathering.parked()
    #expect(gathering.pauses == 0)
    #expect(gathering.patience == 1)
  }

  @Test("small batches in a row let more gather, up to a bound")
  func busy() {
    var gathering = Gathering()
    var pauses: [Int] = []
    for _ in 0..<6 {
      gathering.found(3, after: 0)
      pauses.append(gathering.pauses)
    }
    #expect(pauses == [1, 3, 7, 8, 8, 8])
  }

  @Test("full batches need no gathering")
  func full() {
    var gathering = Gathering()
    gathering.found(1, after: 0)
    gathering.found(1, after: 0)
    for _ in 0..<3 { gathering.found(Gathering.fullBatch, after: 0) }
    #expect(gathering.pauses == 0)
  }

  @Test("looking again pays: the consumer looks longer; in vain: it parks sooner")
  func patience() {
    var gathering = Gathering()
    for _ in 0..<10 { gathering.found(200, after: 1) }
    #expect(gathering.patience == Gathering.mostPatience)
    for _ in 0..<10 { gathering.parked() }
    #expect(gathering.patience == 1)
  }
}
