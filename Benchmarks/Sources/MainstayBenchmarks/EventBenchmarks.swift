import MainstayKernel
import Synchronization

struct OrderPlaced: Event {
  static let topic: Topic = "order.placed"
  var id: Int
  var amount: Double
}

/// Publishing to observers, and delivery through streams.
enum EventBenchmarks {
  static var all: [Benchmark] {
    [0, 1, 8].map(publishByHandle) + [0, 1, 8].map(publishByType) + [1, 8].map(deliver) + [pattern]
  }

  /// What the subscribers do: one addition, without a lock or an atomic, as in the peers.
  final class Sink: @unchecked Sendable {
    // because a benchmark touches it from one thread.
    let sum = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    init() { sum.initialize(to: 0) }
  }

  private static func observedBus(_ observers: Int) -> EventBus {
    let bus = EventBus()
    nonisolated(unsafe) let sum = Sink().sum
    for _ in 0..<observers { bus.observe(OrderPlaced.self) { sum.pointee &+= $0.id } }
    return bus
  }

  private static func publishByHandle(_ observers: Int) -> Benchmark {
    let publisher = observedBus(observers).publisher(for: OrderPlaced.self)
    return Benchmark("publish.handle.\(observers)", operations: 5_000_000) { count in
      for id in 0..<count { publisher.publish(OrderPlaced(id: id, amount: 1)) }
    }
  }

  private static func publishByType(_ observers: Int) -> Benchmark {
    let bus = observedBus(observers)
    bus.publish(OrderPlaced(id: 0, amount: 0))
    return Benchmark("publish.type.\(observers)", operations: 5_000_000) { count in
      for id in 0..<count { bus.publish(OrderPlaced(id: id, amount: 1)) }
    }
  }

  /// One publisher, so many streams of 1,024 events each. The publisher waits when one is full: nothing is dropped.
  private static func deliver(_ streams: Int) -> Benchmark {
    Benchmark("deliver.\(streams)", operations: 2_000_000) { count in
      let bus = EventBus()
      let consumers = (0..<streams).map { _ in
        let stream = bus.events(of: OrderPlaced.self, buffer: .suspend(1024))
        return Task.detached {
          var sum = 0
          var seen = 0
          for await event in stream {
            sum &+= event.id
            seen += 1
            if seen == count { break }
          }
          return sum
        }
      }
      let publisher = bus.publisher(for: OrderPlaced.self)
      for id in 0..<count { await publisher.send(OrderPlaced(id: id, amount: 1)) }
      for consumer in consumers {
        let sum = await consumer.value
        precondition(sum == count * (count - 1) / 2, "events were lost")
      }
    }
  }

  /// One observer of a pattern: the event gets an envelope with number, time and publisher.
  private static var pattern: Benchmark {
    let bus = EventBus()
    nonisolated(unsafe) let sum = Sink().sum
    bus.observe("order.*") { sum.pointee &+= $0.sequence }
    let publisher = bus.publisher(for: OrderPlaced.self)
    return Benchmark("publish.pattern.1", operations: 1_000_000) { count in
      for id in 0..<count { publisher.publish(OrderPlaced(id: id, amount: 1)) }
    }
  }
}
