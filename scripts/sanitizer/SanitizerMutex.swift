// Put into every module by scripts/sanitize, never part of a build otherwise.
//
// The thread sanitizer cannot see into the standard library's Mutex (it is not instrumented), so it takes what two threads
// do under one for a race. This one is a pthread lock, which it knows.
internal import Glibc

@usableFromInline
struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  // because the value is touched only while the lock is held.
  @usableFromInline let lock: UnsafeMutableRawPointer
  @usableFromInline let value: UnsafeMutablePointer<Value>

  @usableFromInline
  init(_ initial: consuming sending Value) {
    let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    lock = UnsafeMutableRawPointer(mutex)
    value = .allocate(capacity: 1)
    value.initialize(to: initial)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
    value.deinitialize(count: 1)
    value.deallocate()
  }

  private var mutex: UnsafeMutablePointer<pthread_mutex_t> { lock.assumingMemoryBound(to: pthread_mutex_t.self) }

  @usableFromInline
  func take() { pthread_mutex_lock(mutex) }

  @usableFromInline
  func tryTake() -> Bool { pthread_mutex_trylock(mutex) == 0 }

  @usableFromInline
  func give() { pthread_mutex_unlock(mutex) }

  @inlinable
  borrowing func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    take()
    defer { give() }
    return try body(&value.pointee)
  }

  @inlinable
  borrowing func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result? {
    guard tryTake() else { return nil }
    defer { give() }
    return try body(&value.pointee)
  }
}
