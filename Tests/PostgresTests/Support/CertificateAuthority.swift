import Foundation
import Synchronization

/// An authority of a test's own and the certificates that it signs, made by openssl in a temporary folder.
final class CertificateAuthority: Sendable {
  /// Whether openssl is on this machine.
  static let isInstalled = (try? run(["version"])) != nil

  /// A certificate and its key, as PEM texts.
  struct Certificate {
    let text: String
    let key: String
  }

  private let folder: String
  private let serial = Mutex(0)

  /// The authority's own certificate: what clients trust.
  var root: String { folder + "/ca.pem" }

  init() throws {
    folder = NSTemporaryDirectory() + "/mainstay-authority-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Self.run(
      ["req", "-x509", "-days", "2", "-subj", "/CN=authority of a test", "-keyout", folder + "/ca.key", "-out", root]
        + Self.newKey)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

  /// The authority's own certificate, as PEM text.
  func rootText() throws -> String { try String(contentsOfFile: root, encoding: .utf8) }

  /// A certificate with that common name, good for these hosts, in the words of openssl: `DNS:localhost,IP:127.0.0.1`.
  func sign(_ name: String, hosts: String? = nil) throws -> Certificate {
    let files = try signFiles(name, hosts: hosts)
    return Certificate(
      text: try String(contentsOfFile: files.certificate, encoding: .utf8),
      key: try String(contentsOfFile: files.key, encoding: .utf8))
  }

  /// The same as files, the key's readable by this user only.
  func signFiles(_ name: String, hosts: String? = nil) throws -> (certificate: String, key: String) {
    let number = serial.withLock { number in
      number += 1
      return number
    }
    let place = folder + "/\(number)"
    try Self.run(["req", "-subj", "/CN=\(name)", "-keyout", place + ".key", "-out", place + ".csr"] + Self.newKey)
    let names = hosts.map { "subjectAltName=\($0)\n" } ?? "basicConstraints=CA:FALSE\n"
    try names.write(toFile: place + ".ext", atomically: false, encoding: .utf8)
    try Self.run([
      "x509", "-req", "-days", "2", "-in", place + ".csr", "-CA", root, "-CAkey", folder + "/ca.key", "-set_serial",
      "\(number)", "-extfile", place + ".ext", "-out", place + ".pem",
    ])
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: place + ".key")
    return (place + ".pem", place + ".key")
  }

  private static func run(_ words: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + words
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed(words: words) }
  }

  /// openssl would not do it.
  struct Failed: Error {
    let words: [String]
  }
}
