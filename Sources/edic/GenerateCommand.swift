import ArgumentParser
import EDICJSON
import EDICNumerics
import EDICTransformers
import SystemPackage

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Continue a text with a language model.",
        discussion: """
            The text appears as it is made. Without a prompt, or with -, standard input is the prompt.

            EXAMPLES
              edic generate --model Models/smollm2-135m-instruct \\
                  "The capital of Portugal is"
              edic generate --model Models/smollm2-135m-instruct --chat \\
                  "Write a haiku about the sea." --temperature 0.8 --seed 7
              edic generate --model smollm2.gguf --max-tokens 20 --json < prompt.txt
            """)

    @OptionGroup var choice: ModelOptions

    @Argument(help: "The text to continue; with --chat, what the user says.")
    var prompt: String?

    @Flag(help: "Answer as a chat, by the template in the model's files.")
    var chat = false

    @Option(help: "With --chat: the system's message.")
    var system: String?

    @Option(help: "The most tokens to make.")
    var maxTokens = 256

    @Option(help: "0 takes the likeliest token each time; 1 draws from the model's distribution; more flattens it.")
    var temperature: Float = 0

    @Option(help: "Draw only from so many likeliest tokens; 0 is all.")
    var topK = 0

    @Option(help: "Draw only from the likeliest tokens that together have this probability.")
    var topP: Float = 1

    @Option(help: "Draw only from tokens at least this probable, as a share of the likeliest one's probability.")
    var minP: Float = 0

    @Option(help: "Divide the scores of tokens that have occurred; 1 is not at all.")
    var repetitionPenalty: Float = 1

    @Option(help: "The same seed draws the same tokens.")
    var seed: UInt64 = 0

    @Option(help: "End before this text; may be given several times.")
    var stop: [String] = []

    @Flag(
        inversion: .prefixedNo,
        help: """
            Guess tokens where the text repeats itself and check several at once: the same result, mostly sooner. Not \
            with beams.
            """)
    var drafts = true

    @Option(help: "Hypotheses followed at once; above 1 nothing is drawn, and there is no repetition penalty.")
    var beam = 1

    @Flag(help: "Print a JSON object with text, tokens, log-probabilities and why it ended.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func validate() throws {
        if system != nil && !chat { throw ValidationError("--system needs --chat") }
    }

    func run() throws {
        let prompt = try prompt.flatMap { $0 == "-" ? nil : $0 } ?? Self.standardInput()
        let model = try ModelMemory.opening {
            try CausalLanguageModel(path: choice.path, precision: choice.precision.precision, pool: work.makePool())
        }
        warn(of: model.unfollowedRules)
        let options = GenerationOptions(
            maximumTokens: maxTokens, temperature: temperature, topK: topK, topP: topP, minP: minP,
            repetitionPenalty: repetitionPenalty, seed: seed, stopStrings: stop, draftsTokens: drafts, beamSize: beam)
        let isStreaming = !json && beam == 1
        var hasShown = false
        let onText: ((String) -> Bool)? =
            isStreaming
            ? {
                Terminal.output($0)
                hasShown = true
                return true
            } : nil
        let shouldStop = { @Sendable in Interruption.shouldStop }
        Interruption.stopInOrder()
        let generation: Generation
        do throws(ModelError) {
            if chat {
                var messages = [ChatMessage(role: "user", content: prompt)]
                if let system { messages.insert(ChatMessage(role: "system", content: system), at: 0) }
                generation = try model.chat(messages, options: options, onText: onText, shouldStop: shouldStop)
            } else {
                generation = try model.generate(prompt, options: options, onText: onText, shouldStop: shouldStop)
            }
        } catch {
            // What was shown is a whole line when the work was stopped.
            if hasShown { Terminal.outputLine("") }
            throw error
        }
        if json {
            Terminal.output(Self.json(generation))
        } else {
            Terminal.outputLine(isStreaming ? "" : generation.text)
        }
    }

    /// Says what the model's files ask for in vain, unless the options already do something about it.
    private func warn(of rules: [CausalLanguageModel.UnfollowedRule]) {
        for rule in rules {
            let option = rule.key == "repetition_penalty" ? "--repetition-penalty" : nil
            guard option == nil || repetitionPenalty == 1 else { continue }
            let value = Int(exactly: rule.value).map { "\($0)" } ?? "\(rule.value)"
            Terminal.warn(
                "\(rule.file): \(rule.key) \(value) is not followed; "
                    + (option.map { "\($0) \(value) does the same" } ?? "there is no option that does the same"))
        }
    }

    /// All of standard input without the end of its last line and a byte order mark, which are no part of a prompt.
    private static func standardInput() throws -> String {
        var prompt = ""
        try TextInput([]).forEachDocument(atMost: 16 << 20) { name, content in
            var text = try TextInput.withoutMark(content, of: name)
            if text.last == 0x0A {
                text.removeLast()
                if text.last == 0x0D { text.removeLast() }
            }
            guard let valid = String(validating: text, as: UTF8.self) else {
                throw CommandFailure(.badData, "\(name): is not UTF-8; \(TextInput.advice)")
            }
            prompt = valid
        }
        return prompt
    }

    private static func json(_ generation: Generation) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("text", generation.text)
        generation.writeMembers(to: &writer)
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }
}
