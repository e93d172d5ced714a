/// A private server of this process, on this machine only: for development and for tests.
///
/// It listens at a socket in a folder that nobody else may enter. It ends when it is stopped, when nobody holds it any
/// more, and when this process ends, however it ends; and what it made goes with it.
public protocol DevServer: Sendable {
  /// Its process, and what can be done to it.
  var process: ServerProcess { get }
  /// How clients find it; holds the password where there is one.
  var url: String { get }
  /// Its port at 127.0.0.1, if it was asked for.
  var port: UInt16? { get }
}

extension DevServer {
  /// Stops it and removes its folder; kept data stay.
  public func stop() async { await process.stop() }
  /// Kills every process of it at once, as a power cut would.
  public func kill() async { await process.kill() }
  /// Stops it, if it runs, and starts it again with the same data at the same place.
  public func restart() async throws { try await process.restart() }
  /// Stops its main process where it stands (SIGSTOP).
  public func pause() throws(DevServerError) { try process.pause() }
  /// Lets its main process go on (SIGCONT).
  public func resume() throws(DevServerError) { try process.resume() }
  /// The end of what it has written, at most 64 KiB.
  public var log: String { process.log }
}

/// Runs `body` with a server and stops it afterwards, whatever happens.
public func withDevServer<Server: DevServer, Result>(
  _ server: Server, _ body: (Server) async throws -> Result
) async throws -> Result {
  do {
    let result = try await body(server)
    await server.stop()
    return result
  } catch {
    await server.stop()
    throw error
  }
}

/// A password nobody can guess: 26 letters and digits.
func randomPassword() -> String {
  let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
  return String((0..<26).map { _ in letters[Int.random(in: 0..<letters.count)] })
}
