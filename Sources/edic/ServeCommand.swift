import ArgumentParser
import EDICBuilds
import EDICNumerics
import EDICServer
import SystemPackage

struct ServeCommand: ParsableCommand, StopsInOrder {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve models over HTTP, with a web page.",
        discussion: """
            A model is anything another command takes: a transformer, a tokenizer, an n-gram model, a language \
            identifier. Clients call it by the last part of its path, or by NAME where NAME=PATH is given. Only programs \
            on this machine are answered unless --host says otherwise; there is no password and no encryption, so put a \
            proxy before it that has both.

            EXAMPLES
              edic serve --model Models/en-pt
              edic serve --model Models/en-pt --model Models/smollm2-135m-instruct \\
                  --port 8080
              edic serve --model estonian=Build/nightly/current/ngram/et.edlm

              curl http://127.0.0.1:8642/v1/models
              curl http://127.0.0.1:8642/v1/translate -H 'content-type: application/json' \\
                -d '{"text": "The harbour is open in winter."}'
            """)

    @Option(
        name: .shortAndLong, help: "A model to serve, PATH or NAME=PATH; may be given several times.",
        completion: .file())
    var model: [String] = []

    @Option(help: "Compute as published, in float32 (the reference), or in int8 (the fastest).")
    var precision = ModelOptions.Arithmetic.published

    @Option(help: "The address to listen at: 127.0.0.1 is this machine only, 0.0.0.0 is all networks.")
    var host = "127.0.0.1"

    @Option(name: .shortAndLong, help: "The port to listen at; 0 takes any that is free.")
    var port: UInt16 = 8642

    @Option(help: "The largest request, in kilobytes.")
    var maxBody = 1024

    @Option(help: "Requests computed at once.")
    var running = 2

    @Option(help: "Requests that wait for their turn; more are refused.")
    var waiting = 32

    @Option(help: "How long a request may wait and compute, in seconds.")
    var timeout = 60.0

    @Flag(help: "Write a line for each request to standard error: method, path, status, time; never a text.")
    var log = false

    @OptionGroup var work: WorkerOptions

    func validate() throws {
        if maxBody < 1 || maxBody > 1 << 20 { throw ValidationError("--max-body is 1 to 1048576") }
        if running < 1 { throw ValidationError("--running is 1 or more") }
        if waiting < 0 { throw ValidationError("--waiting is 0 or more") }
        if !(timeout > 0 && timeout <= 86_400) { throw ValidationError("--timeout is above 0 and at most 86400") }
    }

    func run() throws {
        let pool = work.makePool()
        let models = try ModelMemory.opening {
            try model.map { argument in
                let named = NamedPath(argument)
                return try ServedModel(
                    contentsOf: FilePath(named.path), name: named.name, precision: precision.precision, pool: pool)
            }
        }
        let limits = ServerLimits(bodyBytes: maxBody << 10, running: running, waiting: waiting, seconds: timeout)
        let service = try ModelService(models, limits: limits, version: EDICVersion.current, pool: pool)
        let logLine = { @Sendable (entry: HTTPServer.LogEntry) in
            Terminal.errorLine("\(entry.method) \(entry.path) \(entry.status) \(entry.milliseconds) ms")
        }
        let server = try HTTPServer(host: host, port: port, limits: limits, log: log ? logLine : nil) {
            service.respond(to: $0, isWanted: $1)
        }
        for model in service.models {
            let tasks = model.tasks.map(\.rawValue).joined(separator: ", ")
            Terminal.errorLine("\(model.name): \(model.kind); \(tasks)")
        }
        if !server.isLocal {
            Terminal.warn("every machine that reaches \(host) can use this; it has no password")
        }
        Terminal.errorLine("Listening at \(server.address); Ctrl-C ends it")
        server.run { Interruption.shouldStop }
        Terminal.errorLine("Ended")
    }
}
