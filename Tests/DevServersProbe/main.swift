// Starts private servers and waits to be killed: tests look whether the servers end with it.
import Glibc
import MainstayDevServers

let postgres = try await PostgresServer.start()
let redis = try await RedisServer.start()
for server in [postgres.process, redis.process] {
  print("server", server.processID ?? 0)
}
print("folder", postgres.socketFolder)
print("folder", redis.socket)
print("ready")
fflush(nil)
while true { pause() }
