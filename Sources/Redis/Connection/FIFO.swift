/// First in, first out, in a ring that grows by doubling and then is used again and again. Elements are moved in and out,
/// never copied; it owns its memory.
struct FIFO<Element: Sendable>: ~Copyable, @unchecked Sendable {
  // because nothing else has a pointer to the memory that it owns.
  private var slots: UnsafeMutablePointer<Element>
  private var capacity: Int
  private var head = 0
  private(set) var count = 0

  init() {
    capacity = 16
    slots = .allocate(capacity: capacity)
  }

  deinit {
    for index in 0..<count { slot(index).deinitialize(count: 1) }
    slots.deallocate()
  }

  var isEmpty: Bool { count == 0 }

  mutating func append(_ element: consuming Element) {
    if count == capacity { grow() }
    slot(count).initialize(to: element)
    count += 1
  }

  /// The element at a distance from the front, which must be less than `count`. Good until the next change.
  subscript(index: Int) -> UnsafeMutablePointer<Element> { slot(index) }

  @discardableResult
  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = slot(0).move()
    head = (head + 1) & (capacity - 1)
    count -= 1
    return element
  }

  /// Takes elements out of the middle; the others keep their order. Looks at each.
  mutating func removeAll(where isUnwanted: (Element) -> Bool) {
    for _ in 0..<count {
      if let element = popFirst(), !isUnwanted(element) { append(element) }
    }
  }

  private func slot(_ index: Int) -> UnsafeMutablePointer<Element> { slots + ((head + index) & (capacity - 1)) }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
    for index in 0..<count { (larger + index).moveInitialize(from: slot(index), count: 1) }
    slots.deallocate()
    slots = larger
    capacity *= 2
    head = 0
  }
}
