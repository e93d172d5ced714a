import HelloPlugin
import MainstayCommandLine
import MainstayHTTPServer
import MainstayHealth
import MainstayKernel

// The plugins of this host; host.yaml decides which of them run.
let plugins: [any Plugin.Type] = [
  HTTPPlugin.self,
  HealthPlugin.self,
  HelloPlugin.self,
]

await HostProgram(name: "custom-host", version: "1.0.0", plugins: plugins).main()
