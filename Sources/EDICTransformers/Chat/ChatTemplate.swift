internal import EDICJSON
internal import EDICStore
internal import SystemPackage

/// One turn of a conversation.
public struct ChatMessage: Sendable, Hashable {
    /// `system`, `user` or `assistant`.
    public var role: String
    /// The text.
    public var content: String

    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// How a model wants a conversation written: the Jinja template in its files.
///
/// The part of Jinja that chat templates use is understood: output, `if`, `for` with `break` and `continue`, `set`, `macro`,
/// expressions with filters and tests, string and list methods, `namespace`, `strftime_now`. A template beyond that is an
/// error that names what is not known. A template may come from anyone: one that runs without end, wants too much memory or
/// nests too deeply is an error too. Where a template writes the date, `SOURCE_DATE_EPOCH` (seconds since 1970) sets it.
public struct ChatTemplate: Sendable {
    private let program: [JinjaNode]
    private let file: String
    /// The texts of tokens that a template may write, by the names it has for them.
    private let tokens: [String: String]

    /// What templates call tokens of their own.
    static let tokenNames = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]

    /// Parses a template.
    ///
    /// - Parameter file: where it is from, for messages.
    public init(_ source: String, file: String, bos: String?, eos: String?) throws(ModelError) {
        try self.init(source, file: file, tokens: ["bos_token": bos, "eos_token": eos].compactMapValues(\.self))
    }

    /// - Parameter tokens: those of ``tokenNames`` that the model has.
    init(_ source: String, file: String, tokens: [String: String]) throws(ModelError) {
        self.file = file
        // Templates of models without them may add to these two.
        self.tokens = tokens.merging(["bos_token": "", "eos_token": ""]) { own, _ in own }
        do throws(JinjaError) {
            program = try JinjaParser.parse(source)
        } catch {
            throw ModelError(.unsupported, "\(file): the chat template: \(error.message)")
        }
    }

    /// The template in a GGUF file, if it has one.
    init?(_ gguf: GGUF, _ tokenizer: TextCodec) throws(ModelError) {
        guard let source = gguf.string("tokenizer.chat_template") else { return nil }
        let names = ["bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"]
        let tokens = names.compactMapValues { name in
            gguf.integer("tokenizer.ggml.\(name)_token_id").flatMap { tokenizer.spelling(of: $0) }
        }
        try self.init(source, file: gguf.path.string, tokens: tokens)
    }

    /// The template in a Hugging Face folder: `chat_template.jinja`, or the one in `tokenizer_config.json`.
    init?(folder: FilePath) throws(ModelError) {
        let configurationPath = folder.appending("tokenizer_config.json")
        let configuration = FileTree.exists(configurationPath) ? try ModelConfiguration(configurationPath) : nil
        let mapPath = folder.appending("special_tokens_map.json")
        let map = FileTree.exists(mapPath) ? try ModelConfiguration(mapPath) : nil
        var tokens: [String: String] = [:]
        for name in Self.tokenNames {
            tokens[name] = (configuration?[name] ?? map?[name]).flatMap { $0.string ?? $0["content"]?.string }
        }
        let own = folder.appending("chat_template.jinja")
        let source: String
        if FileTree.exists(own) {
            source = try TextFile.read(own)
        } else if let template = configuration?.string("chat_template") {
            source = template
        } else if let named = configuration?["chat_template"]?.array,
            let template = (named.first { $0["name"]?.string == "default" } ?? named.first)?["template"]?.string
        {
            source = template
        } else {
            return nil
        }
        try self.init(source, file: folder.string, tokens: tokens)
    }

    /// The conversation as the text the model reads.
    ///
    /// - Parameters:
    ///   - addsGenerationPrompt: ends with the beginning of the assistant's turn.
    ///   - shouldStop: asked now and then; true ends the work.
    /// - Throws: `badRequest` where the template refuses the conversation, `unsupported` where it is not understood or does
    ///   too much, `cancelled` when the task is or `shouldStop` says so.
    public func render(
        _ messages: [ChatMessage], addsGenerationPrompt: Bool, shouldStop: (@Sendable () -> Bool)? = nil
    ) throws(ModelError) -> String {
        do throws(JinjaError) {
            var turns: [JinjaValue] = []
            var input = 0
            for message in messages {
                input += message.content.utf8.count + 256
                turns.append(
                    try .object([("role", .string(message.role)), ("content", .string(message.content))]))
            }
            var variables: [String: JinjaValue] = [
                "messages": try .list(turns), "add_generation_prompt": .bool(addsGenerationPrompt), "tools": .none,
                "documents": .none,
            ]
            for (name, text) in tokens { variables[name] = .string(text) }
            return try JinjaInterpreter.render(
                program, variables: variables, JinjaWork(input: input, StopSignal(shouldStop)))
        } catch {
            switch error.kind {
            case .refused:
                throw ModelError(.badRequest, "the chat template refuses the conversation: \(error.message)")
            case .stopped: throw ModelError(.cancelled, "\(file): the chat template: \(error.message)")
            case .notUnderstood: throw ModelError(.unsupported, "\(file): the chat template: \(error.message)")
            }
        }
    }
}
