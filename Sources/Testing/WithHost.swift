public import Logging
public import MainstayKernel

/// Runs a host in this process for the length of a test, and stops it afterwards, whatever happens.
///
/// ```swift
/// try await withHost([HelloPlugin.self], manifest: "plugins: { hello: { name: Ada } }") { host in
///   #expect(host.status.isReady)
/// }
/// ```
/// - Parameters:
///   - plugins: what the host links.
///   - manifest: the text of its `host.yaml`.
///   - environment: the environment variables it sees; none of the machine's.
///   - clock: the time it lives by; by default the machine's.
/// - Throws: what the host could not start for, or what `body` throws.
public func withHost<Result>(
  _ plugins: [any Plugin.Type], manifest: String, environment: [String: String] = [:],
  clock: any HostClock = SystemClock(), logger: Logger = .silent,
  body: (Kernel) async throws -> Result
) async throws -> Result {
  let planner = Planner(
    plugins: plugins.map { registration(of: $0) }, source: .inline(manifest, environment: environment))
  let host = try Kernel(planner: planner, settings: KernelSettings(clock: clock, logger: logger))
  try await host.start()
  do {
    let result = try await body(host)
    await host.stop(reason: "the test is over")
    return result
  } catch {
    await host.stop(reason: "the test is over")
    throw error
  }
}
