import MainstayDevServices
import MainstayHTTPServer
import MainstayHealth
import MainstayKernel

/// The plugins of the stock host. `host.yaml` decides which of them run.
let linkedPlugins: [any Plugin.Type] = [
  HTTPPlugin.self,
  DevServicesPlugin.self,
  HealthPlugin.self,
]
