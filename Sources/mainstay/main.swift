import MainstayCommandLine
import MainstayEventsCommand
import MainstayTemplates

let program = HostProgram(
  name: "mainstay", version: "0.1.0", plugins: linkedPlugins,
  commands: [EventsCommand.self, TemplatesCommand.self])

await program.main()
