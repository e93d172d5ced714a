public import Instrumentation

extension ServiceContext {
  private enum RequestIDKey: ServiceContextKey {
    typealias Value = String
    static var nameOverride: String? { "request_id" }
  }

  private enum TraceContextKey: ServiceContextKey {
    typealias Value = TraceContext
    static var nameOverride: String? { "trace_context" }
  }

  /// The id of the request that this task works for. Log lines and events carry it.
  public var requestID: String? {
    get { self[RequestIDKey.self] }
    set { self[RequestIDKey.self] = newValue }
  }

  /// The step of the distributed trace that this task works for.
  public var traceContext: TraceContext? {
    get { self[TraceContextKey.self] }
    set { self[TraceContextKey.self] = newValue }
  }
}
