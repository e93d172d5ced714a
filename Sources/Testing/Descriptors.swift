import Glibc

/// How many descriptors this process has open.
@Sendable public func openDescriptors() -> Int {
  guard let folder = opendir("/proc/self/fd") else { return 0 }
  defer { closedir(folder) }
  var count = 0
  while readdir(folder) != nil { count += 1 }
  return count
}

/// How many of them are sockets: for a look at what opens nothing else. The others can become more by themselves: with its
/// first report, be it a suppressed one, the thread sanitizer starts a program that reads symbols and keeps the pipes to it.
public func openSockets() -> Int {
  TemporaryFolder.names(in: "/proc/self/fd").count { name in
    var status = stat()
    guard let descriptor = Int32(name), fstat(descriptor, &status) == 0 else { return false }
    return status.st_mode & S_IFMT == S_IFSOCK
  }
}
