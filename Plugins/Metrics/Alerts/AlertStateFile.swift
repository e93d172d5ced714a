import FoundationEssentials
import Logging

/// The file in which alerts survive a restart. It is replaced as a whole, so that it is never half written.
struct AlertStateFile: Sendable {
  struct Content: Sendable, Codable {
    var engine: AlertEngine
    var notifier: AlertNotifier
    /// Rules that were set over HTTP.
    var rules: [AlertRule]
  }

  private static let largest = 64 << 20

  let path: String

  /// What was kept. Nil, with a warning, if it cannot be read: alerts then begin anew.
  func read(_ logger: Logger) -> Content? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do {
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
      guard size <= AlertStateFile.largest else { throw CocoaError(.fileReadTooLarge) }
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "+Inf", negativeInfinity: "-Inf", nan: "NaN")
      return try decoder.decode(Content.self, from: Data(contentsOf: URL(filePath: path)))
    } catch {
      logger.warning("the alerts kept in \(path) cannot be read, and begin anew: \(error)")
      return nil
    }
  }

  func write(_ content: Content, _ logger: Logger) {
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      // What was measured, for which JSON may have no number.
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "+Inf", negativeInfinity: "-Inf", nan: "NaN")
      try encoder.encode(content).write(to: URL(filePath: path), options: .atomic)
    } catch {
      logger.error("the alerts cannot be kept in \(path): \(error); look at the folder's permissions and space")
    }
  }
}
