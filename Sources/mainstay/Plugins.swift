import MainstayDevServices
import MainstayHTTPServer
import MainstayHealth
import MainstayKernel
import MainstayMetrics
import MainstayPool
import MainstayRetry
import MainstayTemplates
import MainstayValidator

/// The plugins of the stock host. `host.yaml` decides which of them run.
let linkedPlugins: [any Plugin.Type] = [
  HTTPPlugin.self,
  DevServicesPlugin.self,
  PoolPlugin.self,
  HealthPlugin.self,
  MetricsPlugin.self,
  TemplatesPlugin.self,
  RetryPlugin.self,
  ValidatorPlugin.self,
]
