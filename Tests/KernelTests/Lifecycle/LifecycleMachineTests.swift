import Testing

@testable import MainstayKernel

/// Transcripts: one line per input, beside what the machine answers.
@Suite struct LifecycleMachineTests {
  @Test func startsInOrderAndStopsInReverse() throws {
    var host = try Transcript(["pool": [], "cache": ["pool"], "reports": ["cache"]])
    #expect(host.begin() == ["pool created→starting", "start pool"])
    #expect(host.started("pool") == ["pool starting→running", "cache created→starting", "start cache"])
    #expect(host.started("cache") == ["cache starting→running", "reports created→starting", "start reports"])
    #expect(host.started("reports") == ["reports starting→running", "ready"])
    #expect(host.stop() == ["reports running→draining", "cancelRun reports"])
    #expect(host.runEnded("reports") == ["stop reports"])
    #expect(host.stopped("reports") == ["reports draining→stopped", "cache running→draining", "cancelRun cache"])
    #expect(host.runEnded("cache") == ["stop cache"])
    #expect(host.stopped("cache") == ["cache draining→stopped", "pool running→draining", "cancelRun pool"])
    #expect(host.runEnded("pool") == ["stop pool"])
    #expect(host.stopped("pool") == ["pool draining→stopped", "finished"])
  }

  @Test func independentPluginsStartTogether() throws {
    var host = try Transcript(["a": [], "b": []])
    #expect(host.begin() == ["a created→starting", "start a", "b created→starting", "start b"])
    #expect(host.started("b") == ["b starting→running"])
    #expect(host.started("a") == ["a starting→running", "ready"])
  }

  @Test func failedStartRollsBack() throws {
    var host = try Transcript(["a": [], "b": ["a"], "c": ["a"]])
    _ = host.begin()
    _ = host.started("a")
    #expect(
      host.startFailed("b") == ["b starting→failed", "failHost b", "cancelStart c"])
    #expect(host.startFailed("c") == ["c starting→stopped", "a running→draining", "cancelRun a"])
    #expect(host.runEnded("a") == ["stop a"])
    #expect(host.stopped("a") == ["a draining→stopped", "finished"])
  }

  @Test func startThatOverrunsIsNamed() throws {
    var host = try Transcript(["a": []], policy: LifecyclePolicy(startTimeout: .seconds(2)))
    _ = host.begin()
    #expect(host.after(.milliseconds(1999)) == [])
    #expect(host.after(.milliseconds(1)) == ["abandonStart a", "a starting→failed", "failHost a", "finished"])
    #expect(host.failure("a") == "plugin 'a' did not finish init within its budget of 2s")
    #expect(host.started("a") == [])
  }

  @Test func startThatReturnsAfterItsCancellationIsStopped() throws {
    var host = try Transcript(["a": []])
    _ = host.begin()
    #expect(host.stop() == ["cancelStart a"])
    #expect(host.started("a") == ["a starting→draining", "stop a"])
    #expect(host.stopped("a") == ["a draining→stopped", "finished"])
  }

  @Test func runThatIgnoresItsCancellationIsOverrunAndStoppedAllTheSame() throws {
    var host = try Transcript(["a": []], policy: LifecyclePolicy(stopTimeout: .seconds(5)))
    _ = host.begin()
    _ = host.started("a")
    _ = host.stop()
    #expect(host.after(.seconds(5)) == ["stop a"])
    #expect(host.failure("a") == "plugin 'a' did not finish run() within its budget of 5s")
    #expect(host.runEnded("a") == [])
    #expect(host.stopped("a") == ["a draining→failed", "finished"])
  }

  @Test func stopThatHangsIsAbandoned() throws {
    var host = try Transcript(["a": [], "b": ["a"]])
    _ = host.begin()
    _ = host.started("a")
    _ = host.started("b")
    _ = host.stop()
    _ = host.runEnded("b")
    #expect(
      host.after(.seconds(5)) == [
        "abandonStop b", "b draining→failed", "a running→draining", "cancelRun a",
      ])
    #expect(host.stopped("b") == [])
  }

  @Test func runThatThrowsStopsTheHost() throws {
    var host = try Transcript(["a": [], "b": ["a"]])
    _ = host.begin()
    _ = host.started("a")
    _ = host.started("b")
    #expect(host.runFailed("a") == ["b running→draining", "cancelRun b"])
    _ = host.runEnded("b")
    #expect(host.stopped("b") == ["b draining→stopped", "a running→draining", "cancelRun a"])
    #expect(host.runEnded("a") == ["stop a"])
    #expect(host.stopped("a") == ["a draining→failed", "failHost a", "finished"])
  }

  @Test func restartTakesDependentsAlongAndLeavesOthersAlone() throws {
    let policy = LifecyclePolicy(onFailure: .restart, restart: .init(attempts: 1, backoff: .seconds(1)))
    var host = try Transcript(["a": [], "b": ["a"], "other": []], policy: policy)
    _ = host.begin()
    _ = host.started("a")
    _ = host.started("b")
    #expect(host.started("other") == ["other starting→running", "ready"])
    #expect(host.runFailed("a") == ["b running→draining", "cancelRun b"])
    _ = host.runEnded("b")
    #expect(host.stopped("b") == ["b draining→stopped", "a running→draining", "cancelRun a"])
    _ = host.runEnded("a")
    #expect(host.stopped("a") == ["a draining→failed"])
    #expect(host.after(.seconds(1)) == ["a failed→starting", "start a"])
    #expect(host.started("a") == ["a starting→running", "b stopped→starting", "start b"])
    #expect(host.started("b") == ["b starting→running"])
  }

  @Test func restartsAreLimitedAndBackOff() throws {
    let policy = LifecyclePolicy(
      onFailure: .restart, restart: .init(attempts: 3, backoff: .seconds(1), maxBackoff: .seconds(3)))
    var host = try Transcript(["a": []], policy: policy)
    _ = host.begin()
    for wait in [1, 2, 3] {
      #expect(host.startFailed("a") == ["a starting→failed"])
      #expect(host.after(.milliseconds(wait * 1000 - 1)) == [])
      #expect(host.after(.milliseconds(1)) == ["a failed→starting", "start a"])
    }
    #expect(host.startFailed("a") == ["a starting→failed", "failHost a", "finished"])
  }

  @Test func degradeLeavesTheHostRunning() throws {
    var host = try Transcript(
      ["a": [], "b": ["a"], "c": []], policy: LifecyclePolicy(onFailure: .degrade))
    _ = host.begin()
    _ = host.started("c")
    #expect(host.startFailed("a") == ["a starting→failed", "b created→failed", "ready"])
    #expect(host.failure("b") == "plugin 'b' depends on 'a', which is down: it broke")
  }

  @Test func optionalProviderThatDegradesIsDoneWithout() throws {
    var host = try Transcript(["a": []], uses: ["b": ["a"]], policy: LifecyclePolicy(onFailure: .degrade))
    #expect(host.begin() == ["a created→starting", "start a"])
    #expect(host.startFailed("a") == ["a starting→failed", "b created→starting", "start b"])
  }

  @Test func collectorStopsBeforeContributors() throws {
    var host = try Transcript(["http": [], "reports": []], collects: ["http": ["reports"]])
    _ = host.begin()
    _ = host.started("http")
    _ = host.started("reports")
    #expect(host.stop() == ["http running→draining", "cancelRun http"])
    _ = host.runEnded("http")
    #expect(host.stopped("http") == ["http draining→stopped", "reports running→draining", "cancelRun reports"])
  }

  @Test func contributorRestartsWithoutItsCollector() throws {
    let policy = LifecyclePolicy(onFailure: .restart)
    var host = try Transcript(["http": [], "reports": []], collects: ["http": ["reports"]], policy: policy)
    _ = host.begin()
    _ = host.started("http")
    _ = host.started("reports")
    #expect(host.runFailed("reports") == ["reports running→draining", "cancelRun reports"])
  }

  @Test func reloadRestartsOnlyWhatIsTouched() throws {
    var host = try Transcript(["a": [], "b": ["a"], "other": []])
    _ = host.begin()
    for name in ["a", "b", "other"] { _ = host.started(name) }
    #expect(host.hold(["a"]) == ["b running→draining", "cancelRun b"])
    _ = host.runEnded("b")
    _ = host.stopped("b")
    _ = host.runEnded("a")
    #expect(!host.machine.isHoldComplete)
    #expect(host.stopped("a") == ["a draining→stopped"])
    #expect(host.machine.isHoldComplete)
    let actions = try host.replace(["a": [], "b": ["a"], "other": [], "new": []])
    #expect(actions == ["a stopped→starting", "start a", "new created→starting", "start new"])
    #expect(host.machine.nodes.first { $0.name == "other" }?.state == .running)
  }

  @Test func stopDuringBackoffFinishes() throws {
    var host = try Transcript(["a": []], policy: LifecyclePolicy(onFailure: .restart))
    _ = host.begin()
    _ = host.startFailed("a")
    #expect(host.stop() == ["finished"])
    #expect(host.after(.seconds(60)) == [])
  }
}
