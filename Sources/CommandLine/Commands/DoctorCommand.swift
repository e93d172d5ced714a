import ArgumentParser
import Glibc
import MainstayKernel

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Looks for what would trouble this host on this machine: manifest, limits, permissions, ports.")

  @OptionGroup var options: ManifestOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let planned = options.planner.plan()
    var findings = [manifestFinding(planned)] + MachineCheckup().findings
    if let plan = planned.plan {
      findings += SecretFilesCheckup(files: plan.watchedFiles).findings
      for plugin in plan.plugins { findings += await plugin.diagnose(in: plan) }
    }
    if output.json {
      print(JSONValue.array(findings.map(\.json)).pretty)
    } else {
      for finding in findings { print(text(finding)) }
    }
    if findings.contains(where: { $0.severity == .problem }) { throw ExitCode(1) }
  }

  private func manifestFinding(_ planned: Planned) -> Diagnosis {
    if let plan = planned.plan {
      return Diagnosis(
        .fine, subject: "manifest",
        "\(options.manifest): \(plan.summary)")
    }
    return Diagnosis(
      .problem, subject: "manifest", "\(options.manifest) has errors",
      remedy: "run `\(HostProgram.current.name) validate \(options.manifest)`")
  }

  private func text(_ finding: Diagnosis) -> String {
    let style = output.style
    let mark =
      switch finding.severity {
      case .fine: style.green("ok     ")
      case .notice: style.yellow("notice ")
      case .problem: style.red("problem")
      }
    let remedy = finding.remedy.map { "\n         " + style.dim($0) } ?? ""
    return mark + "  " + style.bold(finding.subject) + ": " + finding.message + remedy
  }
}

/// What of the machine matters to any host.
struct MachineCheckup {
  var findings: [Diagnosis] { [cores, openFiles, memory, user] }

  private var cores: Diagnosis {
    Diagnosis(.fine, subject: "processors", "\(sysconf(Int32(_SC_NPROCESSORS_ONLN))) online")
  }

  private var openFiles: Diagnosis {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let message = "\(limit.rlim_cur) descriptors (hard limit \(limit.rlim_max))"
    guard limit.rlim_cur < 4096 else { return Diagnosis(.fine, subject: "open files", message) }
    return Diagnosis(
      .notice, subject: "open files", message,
      remedy: "each connection needs one: raise it with `ulimit -n 65536` or LimitNOFILE= of the service")
  }

  private var memory: Diagnosis {
    if let limit = cgroupLimit {
      return Diagnosis(.fine, subject: "memory", "limited to \(limit / 1_048_576) MiB by the control group")
    }
    let bytes = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    return Diagnosis(.fine, subject: "memory", "\(bytes / 1_048_576) MiB, no control group limit")
  }

  private var cgroupLimit: Int? {
    guard let text = readText("/sys/fs/cgroup/memory.max") else { return nil }
    return Int(text.prefix { $0.isNumber })
  }

  private var user: Diagnosis {
    guard getuid() == 0 else { return Diagnosis(.fine, subject: "user", "not root") }
    return Diagnosis(
      .notice, subject: "user", "running as root", remedy: "a host needs no privileges: give it a user of its own")
  }
}

/// Files that secrets are read from should be readable by their owner alone.
struct SecretFilesCheckup {
  let files: [String]

  var findings: [Diagnosis] {
    files.filter { !$0.hasSuffix(".yaml") && !$0.hasSuffix(".yml") }.compactMap { path in
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & 0o004 != 0 else { return nil }
      return Diagnosis(
        .notice, subject: path, "everybody on this machine can read it", remedy: "chmod o-r \(path)")
    }
  }
}

/// A small text file, or nil.
func readText(_ path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 65_536)
  let count = fread(&bytes, 1, bytes.count, file)
  return String(decoding: bytes.prefix(count), as: UTF8.self)
}
