import Glibc
import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayHealth

/// What the machine tells, and when that is too much.
struct ResourceTests {
  @Test func readsTheSecondVersionOfControlGroups() throws {
    let root = try TemporaryFolder([
      "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "1000\n",
      "sys/fs/cgroup/a/b/memory.current": "800\n", "sys/fs/cgroup/a/b/memory.stat": "anon 500\ninactive_file 300\n",
      "sys/fs/cgroup/a/b/cpu.max": "max 100000\n", "sys/fs/cgroup/a/cpu.max": "150000 100000\n",
      "proc/pressure/cpu": "some avg10=12.50 avg60=1.00 avg300=0.10 total=9\n",
      "proc/meminfo": "MemTotal: 2000 kB\nMemFree: 10 kB\nMemAvailable: 500 kB\n",
    ])
    let readings = HealthReadings(root: root.path)
    #expect(readings.memory.limit == 1000 && readings.memory.workingSet == 500)
    #expect(readings.memory.usedPercent == 50)
    #expect(readings.memory.machine == 2_048_000 && readings.memory.available == 512_000)
    #expect(readings.system.quota == 1.5)
    #expect(readings.pressure("cpu") == 12.5 && readings.pressure("io") == nil)
  }

  @Test func readsTheFirstVersionOfControlGroups() throws {
    let root = try TemporaryFolder([
      "proc/self/cgroup": "5:memory:/app\n3:cpu,cpuacct:/app\n0::/\n",
      "sys/fs/cgroup/memory/app/memory.limit_in_bytes": "9223372036854771712\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "4000\n",
      "sys/fs/cgroup/memory/app/memory.usage_in_bytes": "900\n",
      "sys/fs/cgroup/memory/app/memory.stat": "cache 1\ntotal_inactive_file 100\n",
      "sys/fs/cgroup/cpu/app/cpu.cfs_quota_us": "50000\n", "sys/fs/cgroup/cpu/app/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    ])
    let readings = HealthReadings(root: root.path)
    #expect(readings.memory.limit == 4000 && readings.memory.workingSet == 800 && readings.memory.usedPercent == 20)
    #expect(readings.system.quota == 0.5)
  }

  @Test func withoutALimitTheMachinesMemoryCounts() throws {
    let root = try TemporaryFolder(["proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 250 kB\n"])
    #expect(HealthReadings(root: root.path).memory.usedPercent == 75)
    #expect(HealthReadings(root: "/does/not/exist").memory.usedPercent == nil)
    #expect((0...100).contains(try #require(HealthReadings().diskPercent("/"))))
  }

  @Test func nonsenseInTheFilesIsLeftOut() throws {
    let root = try TemporaryFolder([
      "proc/self/cgroup": "rubbish\n0::/\n:::\n", "sys/fs/cgroup/memory.max": "many\n",
      "sys/fs/cgroup/cpu.max": "100000 0\n", "sys/fs/cgroup/memory.current": "-\n", "proc/pressure/io": "avg10=x",
      "proc/meminfo": "MemTotal:\nMemAvailable: much kB\n", "proc/loadavg": "1 2\n",
    ])
    let readings = HealthReadings(root: root.path)
    #expect(readings.memory == .init() && readings.system.quota == nil && readings.system.load == nil)
    #expect(readings.pressure("io") == nil)
  }

  @Test func levelsAreEnteredAtTheirBoundAndLeftBelowTheirMargin() {
    var threshold = Threshold(warning: 80, critical: 95, margin: 4)
    let levels = [79.9, 80, 77, 76, 75.9, 95, 92, 91, 90.9, 100, 10].map { threshold.measure($0) }
    #expect(levels == [nil, .warning, nil, nil, .normal, .critical, nil, nil, .warning, .critical, .normal])
  }

  @Test func tellsWhenSomethingIsTooMuch() async throws {
    let clock = ManualClock()
    let bus = EventBus()
    let recorder = EventRecorder(bus, "health.*")
    let root = try TemporaryFolder(["proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 30 kB\n"])
    let monitor = ResourceMonitor(
      HealthThresholds(), disk: "/", readings: HealthReadings(root: root.path), lag: ThreadPoolLag(), clock: clock,
      bus: bus)
    #expect(monitor.judge(monitor.reading()))
    #expect(!monitor.judge(monitor.reading()))
    let event = try await recorder.next(ThresholdExceeded.self)
    #expect(event.resource == "memory" && event.level == "critical" && event.value == 97 && event.threshold == 95)
    #expect(monitor.reasons(from: .critical) == ["memory is above its critical threshold"])
  }

  /// Every thread of the pool is blocked until the thread that measures has seen it.
  @Test func seesThatThePoolIsBlocked() async {
    let cores = max(2, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let released = Released()
    let lag = ThreadPoolLag(interval: .milliseconds(1)) { lag in
      if lag >= .milliseconds(30) { released.release() }
    }
    lag.start()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<cores * 2 { group.addTask { released.block() } }
    }
    #expect(lag.worst >= .milliseconds(30))
    lag.stop()
    lag.stop()
  }

  /// Blocks threads on purpose.
  private final class Released: Sendable {
    private let isReleased = Atomic<Bool>(false)

    func release() { isReleased.store(true, ordering: .releasing) }

    func block() { while !isReleased.load(ordering: .acquiring) { sched_yield() } }
  }
}
