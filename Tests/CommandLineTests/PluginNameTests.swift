import Testing

@testable import MainstayCommandLine

@Suite struct PluginNameTests {
  @Test(arguments: [
    ("Reports", "ReportsPlugin", "reports", "reports-plugin"),
    ("ReportsPlugin", "ReportsPlugin", "reports", "reports-plugin"),
    ("PDFReports", "PDFReportsPlugin", "pdf_reports", "pdf-reports-plugin"),
    ("DailyPDF", "DailyPDFPlugin", "daily_pdf", "daily-pdf-plugin"),
    ("S3Backup", "S3BackupPlugin", "s3_backup", "s3-backup-plugin"),
    ("X", "XPlugin", "x", "x-plugin"),
  ])
  func allNamesComeFromOne(given: String, module: String, plugin: String, package: String) throws {
    let name = try PluginName(given)
    #expect(name.module == module)
    #expect(name.plugin == plugin)
    #expect(name.package == package)
  }

  @Test(arguments: ["", "reports", "pdf-reports", "Über", "Two Words", "1Two", "../Up", "A\"B", "Foo_Bar"])
  func otherSpellingsAreRefused(given: String) {
    #expect(throws: ScaffoldError.self) { try PluginName(given) }
  }

  @Test func refusalProposesTheNearestName() {
    let error = #expect(throws: ScaffoldError.self) { try PluginName("pdf-reports") }
    #expect(
      error?.description
        == "'pdf-reports' is not a name for a plugin; write it in UpperCamelCase with letters and digits: PdfReports")
  }

  @Test(arguments: ["Kernel", "Plugin", "HTTP", "Health", "Host", "MainstayThing", "Self"])
  func takenNamesAreRefused(given: String) {
    #expect(throws: ScaffoldError.self) { try PluginName(given) }
  }

  @Test func endlessNamesAreRefused() {
    #expect(throws: ScaffoldError.self) { try PluginName(String(repeating: "A", count: 61)) }
  }

  @Test(arguments: ["clinic-host", "clinic", "c2"])
  func hostNames(given: String) throws {
    #expect(try HostName(given).text == given)
  }

  @Test(arguments: ["", "Clinic", "-clinic", "clinic-", "a--b", "a b", "a/b", "mainstay", "2c", "test"])
  func otherHostNamesAreRefused(given: String) {
    #expect(throws: ScaffoldError.self) { try HostName(given) }
  }
}
