public import MainstayKernel

/// Somebody presented credentials that are not good.
public struct HTTPAuthenticationFailed: Event {
  /// `http.authentication-failed`
  public static let topic: Topic = "http.authentication-failed"
  /// Where they came from; nil for a Unix socket.
  public let address: String?
  /// Why they are not good: `unknown-key`, `bad-signature`, `expired`.
  public let reason: String
  /// The route that was asked for, as its template.
  public let route: String?
  /// Whether further attempts from that address are refused for a while without being looked at.
  public let isBlocked: Bool
}
