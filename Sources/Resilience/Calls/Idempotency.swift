/// What happens if an operation is carried out twice. Stated by whoever calls: no library can know it.
public enum Idempotency: Sendable, Hashable {
  /// It changes nothing, such as a read.
  case safe
  /// Carried out twice, it has the effect of once, such as setting a value.
  case idempotent
  /// The callee recognises repetitions by this key. It is the same in every attempt: ``CallContext/idempotencyKey``.
  case keyed(String)
  /// Carried out twice, it has twice the effect, such as a payment. Repeated only if it provably never arrived.
  case nonIdempotent

  /// Whether an attempt may be repeated whose effect is unknown.
  public var allowsRepetition: Bool { self != .nonIdempotent }

  /// The key, if there is one.
  public var key: String? {
    if case .keyed(let key) = self { key } else { nil }
  }
}
