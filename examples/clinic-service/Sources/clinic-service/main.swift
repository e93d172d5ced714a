import Appointments
import MainstayCommandLine
import MainstayDevServices
import MainstayHTTPServer
import MainstayHealth
import MainstayKernel
import MainstayPool

// The plugins of this host; host.yaml decides which of them run.
let plugins: [any Plugin.Type] = [
  AppointmentsPlugin.self,
  DevServicesPlugin.self,
  HTTPPlugin.self,
  HealthPlugin.self,
  PoolPlugin.self,
]

await HostProgram(name: "clinic-service", version: "1.0.0", plugins: plugins).main()
