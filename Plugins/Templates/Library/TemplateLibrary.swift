import MainstayKernel
import MainstayTemplating
import Synchronization

/// The templates of some folders, kept up to date.
///
/// A change makes a new generation, compiled as a whole and put in place at once; renderings that are under way keep the
/// one they began with. Of a faulty file the last good version stays in use.
final class TemplateLibrary: Sendable {
  private struct State {
    var generation = TemplateGeneration.empty
    var stamps: [String: TemplateFolder.Stamp] = [:]
    var texts: [String: String] = [:]
    var helpers = HelperTable.standard
  }

  private let folders: [TemplateFolder]
  private let missing: MissingValues
  private let defaultLocale: String
  private let state: Mutex<State>

  init(folders: [TemplateFolder], missing: MissingValues, defaultLocale: String = "en") {
    self.folders = folders
    self.missing = missing
    self.defaultLocale = defaultLocale
    state = Mutex(State())
  }

  /// A library as the manifest declares it.
  convenience init(_ configuration: TemplatesConfiguration) {
    self.init(
      folders: configuration.templateFolders, missing: configuration.strict ? .strict : .lenient,
      defaultLocale: configuration.defaultLocale)
  }

  /// What is used now.
  var generation: TemplateGeneration { state.withLock { $0.generation } }

  /// Looks for changes; the new generation if there are any. Later folders win over earlier ones.
  func refresh(helpers: HelperTable, force: Bool = false) throws(TemplateLibraryError) -> TemplateGeneration? {
    var stamps: [String: TemplateFolder.Stamp] = [:]
    var places: [String: TemplateFolder] = [:]
    for folder in folders {
      for (path, stamp) in try folder.stamps() where TemplateFile(path: path) != nil {
        stamps[path] = stamp
        places[path] = folder
      }
    }
    let known = state.withLock { (stamps: $0.stamps, texts: $0.texts, helpers: $0.helpers.names, last: $0.generation) }
    guard force || stamps != known.stamps || known.helpers != helpers.names || known.last.number == 0 else {
      return nil
    }
    var texts: [String: String] = [:]
    var unreadable: [String: String] = [:]
    for (path, folder) in places {
      if stamps[path] == known.stamps[path], let text = known.texts[path] {
        texts[path] = text
        continue
      }
      do throws(TemplateLibraryError) {
        texts[path] = try folder.text(of: path)
      } catch {
        unreadable[path] = error.message
      }
    }
    let generation = TemplateGeneration(
      number: known.last.number + 1, files: texts, unreadable: unreadable, previous: known.last,
      settings: LibrarySettings(helpers: helpers, missing: missing, defaultLocale: defaultLocale))
    state.withLock {
      $0 = State(generation: generation, stamps: stamps, texts: texts, helpers: helpers)
    }
    return generation
  }

  /// A file beside the templates, such as sample data; nil if no folder has it.
  func file(_ path: String) -> String? {
    guard !path.split(separator: "/").contains(".."), !path.hasPrefix("/") else { return nil }
    for folder in folders.reversed() {
      if let text = try? folder.text(of: path) { return text }
    }
    return nil
  }
}
