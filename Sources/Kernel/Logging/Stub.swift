public final class LogSettings: Sendable { public init(_ c: LoggingConfiguration) {}; public func update(from c: LoggingConfiguration) {} }
