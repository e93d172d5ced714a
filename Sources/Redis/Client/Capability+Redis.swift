public import MainstayKernel

extension Capability where Value == RedisClient {
  /// The host's Redis: `plugins.pool.redis` in its manifest.
  public static var redis: Self { Self("redis") }
}
