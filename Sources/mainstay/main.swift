import MainstayCommandLine
import MainstayEventsCommand

await HostProgram(name: "mainstay", version: "0.1.0", plugins: linkedPlugins, commands: [EventsCommand.self]).main()
