import ArgumentParser
import EDICJSON
import EDICNumerics
import EDICTransformers
import SystemPackage

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this machine, and how close the arithmetic comes to what it can do.",
        discussion: """
            First what the machine reads and computes at most in a second, then each kind of weights with each width of \
            activations: a batch over weights that fit the caches, and one row over weights that do not. 100 % is the \
            machine's limit. With a language model, how fast it reads a prompt and generates, token by token (edic \
            generate guesses some).

            EXAMPLES
              edic bench
              edic bench --workers 1 --json
              edic bench smollm2.gguf --prompt 512 --generate 128 --workers 2
            """)

    @Argument(help: "A language model to measure instead: a folder, or a GGUF file.", completion: .file())
    var model: String?

    @Option(help: "With a model: the tokens of the prompt.")
    var prompt = 512

    @Option(help: "With a model: the tokens to generate.")
    var generate = 128

    @Option(help: "With a model: the best of so many rounds counts.")
    var rounds = 3

    @Option(help: "Compute as published, in float32 (the reference), or in int8 (the fastest).")
    var precision = ModelOptions.Arithmetic.published

    @Option(name: [.customLong("workers"), .customLong("threads")], help: "Threads; 0 is one a core.")
    var workers = 1

    @Option(help: "Seconds for each row.")
    var seconds = 0.2

    @Flag(help: "Print the numbers as JSON.")
    var json = false

    func validate() throws {
        try WorkerOptions.check(workers)
        if prompt < 1 || generate < 1 || rounds < 1 {
            throw ValidationError("--prompt, --generate and --rounds are 1 or more")
        }
        if !(seconds > 0 && seconds < 60) { throw ValidationError("--seconds is above 0 and below 60") }
    }

    func run() throws {
        let pool = workers == 0 ? WorkerPool.shared : WorkerPool(workers: workers)
        if let model { return try measure(model, pool) }
        let limits = MachineLimits.measure(pool: pool)
        if !json { Terminal.output(Self.text(limits)) }
        let rows = try KernelBenchmark.run(limits: limits, seconds: seconds, pool: pool) { row in
            if !json { Terminal.outputLine(Self.text(row)) }
        }
        if json { Terminal.output(Self.json(limits, rows)) }
    }

    private func measure(_ path: String, _ pool: WorkerPool) throws {
        let clock = ContinuousClock()
        let start = clock.now
        let model = try ModelMemory.opening {
            try CausalLanguageModel(path: FilePath(path), precision: precision.precision, pool: pool)
        }
        let opening = (clock.now - start) / .seconds(1)
        let speed = try model.benchmark(promptTokens: prompt, generatedTokens: generate, rounds: rounds)
        let limits = MachineLimits.measure(pool: pool, bytes: min(speed.bytesPerToken, 256 << 20))
        let share = speed.bytesPerSecond / limits.bandwidth
        guard json else {
            return Terminal.output(
                """
                \(path), \(limits.instructionSet.rawValue), \(limits.threads) \(limits.threads == 1 ? "thread" : "threads")
                  Opened      \(Decimals.fixed(opening * 1000, 0)) ms
                  Prompt      \(Decimals.fixed(speed.promptTokensPerSecond, 1)) tokens/s (\(prompt) tokens)
                  Generated   \(Decimals.fixed(speed.generatedTokensPerSecond, 1)) tokens/s (\(generate) tokens), \
                \(Self.billions(speed.bytesPerSecond)) of \(Self.billions(limits.bandwidth)) GB/s, \
                \(Decimals.fixed(share * 100, 0)) % of the limit

                """)
        }
        var writer = JSONWriter(layout: .indented)
        writer.beginObject()
        writer.member("model", path)
        writer.member("instruction_set", limits.instructionSet.rawValue)
        writer.member("threads", limits.threads)
        writer.member("open_seconds", opening)
        writer.member("prompt_tokens", speed.promptTokens)
        writer.member("prompt_tokens_per_second", speed.promptTokensPerSecond)
        writer.member("generated_tokens", speed.generatedTokens)
        writer.member("generated_tokens_per_second", speed.generatedTokensPerSecond)
        writer.member("bytes_per_token", speed.bytesPerToken)
        writer.member("bytes_per_second", limits.bandwidth)
        writer.member("share_of_bandwidth", share)
        writer.endObject()
        writer.endLine()
        Terminal.output(writer.bytes.text)
    }

    private static func billions(_ value: Double) -> String { Decimals.fixed(value / 1e9, 1) }

    private static func text(_ limits: MachineLimits) -> String {
        func peak(_ value: Double?) -> String { value.map { "\(billions($0)) billion operations/s" } ?? "not measured" }
        return """
            \(limits.instructionSet.rawValue), \(limits.threads) \(limits.threads == 1 ? "thread" : "threads")
              Memory   \(billions(limits.bandwidth)) GB/s
              Floats   \(peak(limits.floatPeak))
              Bytes    \(peak(limits.int8Peak))

            \("weights".padding(to: 9))\("bits".padding(to: 6))\("shape".padding(to: 22))\("10⁹ op/s".padding(to: 11))\("GB/s".padding(to: 9))of the limit

            """
    }

    private static func text(_ row: KernelBenchmark.Row) -> String {
        let shape = "\(row.batch) × \(row.inputs) → \(row.outputs)"
        let share = "\(Decimals.fixed(row.share * 100, 0)) % (\(row.isMemoryBound ? "memory" : "arithmetic"))"
        let bits = row.activations.map { $0 == .bits8 ? "8" : "16" } ?? "32"
        return row.format.rawValue.padding(to: 9) + bits.padding(to: 6) + shape.padding(to: 22)
            + billions(row.operations / row.seconds).padding(to: 11)
            + billions(row.bytes / row.seconds).padding(to: 9) + share
    }

    private static func json(_ limits: MachineLimits, _ rows: [KernelBenchmark.Row]) -> String {
        var writer = JSONWriter(layout: .indented)
        writer.beginObject()
        writer.member("instruction_set", limits.instructionSet.rawValue)
        writer.member("threads", limits.threads)
        writer.member("bytes_per_second", limits.bandwidth)
        if let peak = limits.floatPeak { writer.member("float_operations_per_second", peak) }
        if let peak = limits.int8Peak { writer.member("int8_operations_per_second", peak) }
        writer.key("kernels")
        writer.beginArray()
        for row in rows {
            writer.beginObject()
            writer.member("weights", row.format.rawValue)
            writer.member("activation_bits", row.activations.map { $0 == .bits8 ? 8 : 16 } ?? 32)
            writer.member("batch", row.batch)
            writer.member("inputs", row.inputs)
            writer.member("outputs", row.outputs)
            writer.member("seconds", row.seconds)
            writer.member("operations_per_second", row.operations / row.seconds)
            writer.member("share_of_limit", row.share)
            writer.member("memory_bound", row.isMemoryBound)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }
}
