/// How much each tenant uses and waits for. A tenant that does neither is forgotten, so that there are never more entries
/// than connections and waiters.
struct TenantTable: Sendable {
  private struct Use: Sendable {
    var name: String
    var leases = 0
    var waiters = 0
  }

  private var uses: [Use] = []
  private var places: [String: Int32] = [:]
  private var free: [Int32] = []

  /// How many tenants use or wait for a connection.
  var count: Int { places.count }

  /// The number of a tenant that is known; -1 if it is not.
  func number(of name: String) -> Int32 { places[name] ?? -1 }

  func leases(_ tenant: Int32) -> Int { tenant < 0 ? 0 : uses[Int(tenant)].leases }
  func waiters(_ tenant: Int32) -> Int { tenant < 0 ? 0 : uses[Int(tenant)].waiters }

  /// The number of a tenant, which becomes known. Something must be counted for it at once.
  mutating func enter(_ name: String) -> Int32 {
    if let place = places[name] { return place }
    let place: Int32
    if let spare = free.popLast() {
      place = spare
      uses[Int(place)].name = name
    } else {
      place = Int32(uses.count)
      uses.append(Use(name: name))
    }
    places[name] = place
    return place
  }

  mutating func addLease(_ tenant: Int32) {
    if tenant >= 0 { uses[Int(tenant)].leases += 1 }
  }

  mutating func addWaiter(_ tenant: Int32) {
    if tenant >= 0 { uses[Int(tenant)].waiters += 1 }
  }

  mutating func removeLease(_ tenant: Int32) {
    guard tenant >= 0 else { return }
    uses[Int(tenant)].leases -= 1
    forget(tenant)
  }

  mutating func removeWaiter(_ tenant: Int32) {
    guard tenant >= 0 else { return }
    uses[Int(tenant)].waiters -= 1
    forget(tenant)
  }

  private mutating func forget(_ tenant: Int32) {
    guard uses[Int(tenant)].leases == 0, uses[Int(tenant)].waiters == 0 else { return }
    places[uses[Int(tenant)].name] = nil
    uses[Int(tenant)].name = ""
    free.append(tenant)
  }
}
