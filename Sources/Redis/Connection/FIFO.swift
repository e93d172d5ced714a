/// First in, first out, in a ring that grows by doubling and then is used again and again.
struct FIFO<Element: Sendable>: Sendable {
  private var slots: ContiguousArray<Element?> = []
  private var head = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ element: Element) {
    if count == slots.count { grow() }
    slots[(head + count) & (slots.count - 1)] = element
    count += 1
  }

  /// The element at a distance from the front.
  subscript(index: Int) -> Element? {
    get { slots[(head + index) & (slots.count - 1)] }
    set { slots[(head + index) & (slots.count - 1)] = newValue }
  }

  @discardableResult
  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = slots[head].take()
    head = (head + 1) & (slots.count - 1)
    count -= 1
    return element
  }

  private mutating func grow() {
    var larger = ContiguousArray<Element?>(repeating: nil, count: max(slots.count * 2, 16))
    for index in 0..<count { larger[index] = slots[(head + index) & (slots.count - 1)].take() }
    slots = larger
    head = 0
  }
}
