import Synchronization

/// Who provides what, and who contributes what, at this moment. One per host.
///
/// The tables change when a plugin starts or stops; between that, reads take one short lock.
final class Registry: Sendable {
  private struct Provided {
    let scope: PluginScope
    let value: any Sendable
  }

  private struct Entry {
    let plugin: String
    let order: Int
    let value: any Sendable
  }

  private struct Observer {
    let id: Int
    let point: String
    let call: @Sendable () -> Void
  }

  private struct Tables {
    var capabilities: [String: Provided] = [:]
    var contributions: [String: [Entry]] = [:]
    var observers: [Observer] = []
    var next = 0
  }

  private let tables = Mutex(Tables())
  private let changes = Atomic<Int>(0)

  var contributionVersion: Int { changes.load(ordering: .acquiring) }

  /// False if the instance has been given up: what comes late must not replace what its successor provides.
  func provide(_ value: any Sendable, as name: String, by scope: PluginScope) -> Bool {
    // What is replaced or removed goes outside the lock: its last reference may run anybody's code.
    var former: Provided?
    let isTaken = tables.withLock { tables in
      guard !scope.isClosed else { return false }
      former = tables.capabilities.updateValue(Provided(scope: scope, value: value), forKey: name)
      return true
    }
    withExtendedLifetime(former) {}
    return isTaken
  }

  func value(of name: String) -> (any Sendable)? {
    tables.withLock { $0.capabilities[name]?.value }
  }

  func provides(_ name: String, scope: PluginScope) -> Bool {
    tables.withLock { $0.capabilities[name]?.scope === scope }
  }

  /// Adds a contribution and tells the observers of its point. Cancelling the result withdraws it.
  func contribute(_ value: any Sendable, to point: String, by plugin: String) -> Subscription {
    let order = tables.withLock { tables in
      tables.next += 1
      // Ordered by plugin, then by the order of contribution.
      var entries = tables.contributions[point] ?? []
      let index = entries.firstIndex { $0.plugin > plugin } ?? entries.endIndex
      entries.insert(Entry(plugin: plugin, order: tables.next, value: value), at: index)
      tables.contributions[point] = entries
      return tables.next
    }
    changed(point)
    return Subscription { [weak self] in
      guard let self else { return }
      let removed = tables.withLock { tables -> Entry? in
        guard let index = tables.contributions[point]?.firstIndex(where: { $0.order == order }) else { return nil }
        return tables.contributions[point]?.remove(at: index)
      }
      withExtendedLifetime(removed) { changed(point) }
    }
  }

  func contributions<Value>(to point: ContributionPoint<Value>) -> [Contributed<Value>] {
    tables.withLock { tables in
      (tables.contributions[point.name] ?? []).compactMap { entry in
        (entry.value as? Value).map { Contributed(plugin: entry.plugin, value: $0) }
      }
    }
  }

  func observe<Value>(
    _ point: ContributionPoint<Value>, _ body: @escaping @Sendable ([Contributed<Value>]) -> Void
  ) -> Subscription {
    let call: @Sendable () -> Void = { [weak self] in
      if let self { body(self.contributions(to: point)) }
    }
    let id = tables.withLock { tables in
      tables.next += 1
      tables.observers.append(Observer(id: tables.next, point: point.name, call: call))
      return tables.next
    }
    call()
    return Subscription { [weak self] in
      let removed = self?.tables.withLock { tables -> Observer? in
        guard let index = tables.observers.firstIndex(where: { $0.id == id }) else { return nil }
        return tables.observers.remove(at: index)
      }
      withExtendedLifetime(removed) {}
    }
  }

  /// Withdraws what one instance of a plugin provides. Its contributions are cancelled through its context.
  func withdraw(_ capabilities: [AnyCapability], of scope: PluginScope) {
    let removed = tables.withLock { tables in
      capabilities.filter { tables.capabilities[$0.name]?.scope === scope }
        .compactMap { tables.capabilities.removeValue(forKey: $0.name) }
    }
    withExtendedLifetime(removed) {}
  }

  private func changed(_ point: String) {
    changes.add(1, ordering: .acquiringAndReleasing)
    let calls = tables.withLock { tables in tables.observers.filter { $0.point == point }.map(\.call) }
    for call in calls { call() }
  }
}
