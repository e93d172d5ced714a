import Hummingbird
import Logging

// The peer of `/health`: a Hummingbird server with one route and nothing else, answering as many bytes.
// usage: bare-hummingbird PORT BYTES
let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let (port, bytes) = (arguments.first ?? 18_081, arguments.dropFirst().first ?? 400)
let body = String(repeating: "x", count: bytes)

let router = Router()
router.get("health") { _, _ in
  Response(
    status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(string: body)))
}
var logger = Logger(label: "bare")
logger.logLevel = .error
let application = Application(
  router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)), logger: logger)
try await application.runService()
