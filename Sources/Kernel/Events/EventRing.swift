/// A first-in first-out buffer of events in one block of memory, which doubles as it fills.
@usableFromInline
struct EventRing<Element>: ~Copyable {
  @usableFromInline var base: UnsafeMutablePointer<Element>
  @usableFromInline var mask: Int
  @usableFromInline var head = 0
  @usableFromInline var count = 0

  @usableFromInline
  init() {
    base = .allocate(capacity: 8)
    mask = 7
  }

  // Inlinable: the 6.3 optimiser does not survive a deinit here that is not.
  @inlinable
  deinit {
    for offset in 0..<count { (base + ((head &+ offset) & mask)).deinitialize(count: 1) }
    base.deallocate()
  }

  @inlinable
  mutating func append(_ element: consuming Element) {
    if count > mask { grow() }
    (base + ((head &+ count) & mask)).initialize(to: element)
    count &+= 1
  }

  /// The oldest element, or nil if there is none.
  @inlinable
  mutating func popFirst() -> Element? {
    if count == 0 { return nil }
    let element = (base + head).move()
    head = (head &+ 1) & mask
    count &-= 1
    return element
  }

  @usableFromInline
  mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: (mask + 1) * 2)
    let front = min(count, mask + 1 - head)
    larger.moveInitialize(from: base + head, count: front)
    (larger + front).moveInitialize(from: base, count: count - front)
    base.deallocate()
    base = larger
    head = 0
    mask = mask * 2 + 1
  }

  /// What it holds, oldest first.
  var elements: [Element] { (0..<count).map { base[(head &+ $0) & mask] } }

  mutating func removeAll() -> [Element] {
    var elements: [Element] = []
    elements.reserveCapacity(count)
    while let element = popFirst() { elements.append(element) }
    return elements
  }
}
