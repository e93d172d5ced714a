/// The templates of the examples.
enum ExampleTemplates {
  static var folder: String {
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/examples/templates"
  }
}
