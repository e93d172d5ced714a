public import Synchronization

/// The current list of subscribers, which publishers read without a lock and without a reference count.
///
/// One word holds the list's address in its lower 48 bits and, above, how many readers have come since the list was put
/// there. A reader comes with one atomic addition, which tells it the address and counts it in the same step, and goes
/// with one on the list's own balance:
///
/// ```
/// word      arrivals | address ──▶ list    balance = 2^40 + arrivals told to it − departures
/// ```
/// While the list is the current one, 2^40 keeps its balance from 0. Whoever replaces it tells it the arrivals and takes
/// the 2^40 back: from then on the balance is the number of readers that are still inside, and whoever brings it to 0,
/// mostly the last reader, releases the list. The count above the address is told to the list before it can overflow.
@usableFromInline
struct EventSubscriberCell<Payload: Encodable & Sendable>: ~Copyable, Sendable {
  @usableFromInline typealias List = EventSubscribers<Payload>

  @usableFromInline static var addressBits: UInt { 48 }
  @usableFromInline static var addressMask: UInt { 1 << addressBits - 1 }
  @usableFromInline static var oneReader: UInt { 1 << addressBits }
  /// From this many arrivals on, a reader asks for them to be told to the list.
  @usableFromInline static var manyReaders: UInt { 1 << 15 }

  @usableFromInline let word: Atomic<UInt>

  init(_ list: List) { word = Atomic(Self.address(of: list)) }

  deinit {
    _ = Self.retire(word.load(ordering: .acquiring))
  }

  private static func address(of list: List) -> UInt {
    let address = UInt(bitPattern: Unmanaged.passRetained(list).toOpaque())
    precondition(address & ~addressMask == 0, "the bus needs addresses of 48 bits")
    return address
  }

  /// Comes in. Every arrival needs a departure.
  @inlinable
  func enter() -> (list: Unmanaged<List>, isCrowded: Bool) {
    let old = word.add(Self.oneReader, ordering: .acquiring).oldValue
    return (Self.list(in: old), old >> Self.addressBits >= Self.manyReaders)
  }

  @inlinable
  static func list(in word: UInt) -> Unmanaged<List> {
    // Never 0: a cell is made with a list, and a list is only ever replaced by another.
    Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: word & addressMask).unsafelyUnwrapped)
  }

  @inlinable
  static func leave(_ list: Unmanaged<List>) {
    let rest = list._withUnsafeGuaranteedRef { $0.balance.subtract(1, ordering: .acquiringAndReleasing).newValue }
    if rest == 0 { list.release() }
  }

  /// How many readers have come and have not been told to the list.
  var arrivals: Int { Int(word.load(ordering: .acquiring) >> Self.addressBits) }

  /// Tells the current list of its arrivals, and returns how many there were. Changes are serialised by the caller.
  func settle() -> Int {
    let old = word.bitwiseAnd(Self.addressMask, ordering: .acquiringAndReleasing).oldValue
    let arrivals = Int(old >> Self.addressBits)
    Self.list(in: old)._withUnsafeGuaranteedRef { _ = $0.balance.add(arrivals, ordering: .relaxed) }
    return arrivals
  }

  /// Makes another list the current one, and returns how many readers had come to the one before.
  func replace(with list: List) -> Int {
    Self.retire(word.exchange(Self.address(of: list), ordering: .acquiringAndReleasing))
  }

  private static func retire(_ old: UInt) -> Int {
    let arrivals = Int(old >> addressBits)
    let list = list(in: old)
    let rest = list._withUnsafeGuaranteedRef {
      $0.balance.add(arrivals - List.current, ordering: .acquiringAndReleasing).newValue
    }
    if rest == 0 { list.release() }
    return arrivals
  }
}
