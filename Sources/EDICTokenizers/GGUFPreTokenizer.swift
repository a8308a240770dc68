/// How a GGUF file of a byte-level tokenizer cuts text: what its `tokenizer.ggml.pre` stands for.
///
/// The names are llama.cpp's. Where it knows the expression of the original `tokenizer.json`, that is taken, else its own.
struct GGUFPreTokenizer {
    var preTokenizer: PreTokenizer
    /// Whether a word that is a token is that token, whatever the merges say.
    var ignoresMerges = false
    /// Whether a text begins with the beginning token where the file does not say.
    var addsBeginning = false

    private static let gpt2 = PreTokenizer.byteLevel(addsPrefixSpace: false, usesPattern: true, mapsBytes: false)
    /// The same as an expression, for others behind it.
    private static let gpt2Words = #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    private static let bytes = PreTokenizer.byteLevel(addsPrefixSpace: false, usesPattern: false, mapsBytes: false)

    private init(_ preTokenizer: PreTokenizer, ignoresMerges: Bool = false, addsBeginning: Bool = false) {
        self.preTokenizer = preTokenizer
        self.ignoresMerges = ignoresMerges
        self.addsBeginning = addsBeginning
    }

    /// Cut by each expression in turn.
    private init(
        _ sources: String..., then last: PreTokenizer = bytes, ignoresMerges: Bool = false, addsBeginning: Bool = false
    ) throws(TokenizerError) {
        var steps: [PreTokenizer] = []
        for source in sources {
            let expression = try RegularExpression(source, .oniguruma)
            steps.append(.split(.regularExpression(expression), .isolated, inverted: false))
        }
        self.init(.sequence(steps + [last]), ignoresMerges: ignoresMerges, addsBeginning: addsBeginning)
    }

    init(named name: String) throws(TokenizerError) {
        switch name {
        case "gpt-2", "gpt2", "phi-2", "mpt", "olmo", "jais", "jina-es", "jina-de", "jina-v1-en", "jina-v2-es",
            "jina-v2-de", "jina-v2-code", "roberta-bpe", "gigachat", "a.x-4.0", "mellum", "modern-bert", "trillion",
            "granite-docling", "exaone4":
            self.init(Self.gpt2)
        case "smollm", "codeshell", "refact", "starcoder", "command-r", "exaone", "minerva-7b", "mellum2":
            self.init(.sequence([.digits(individual: true), Self.gpt2]))
        case "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano":
            try self.init(Self.cl100k(#"\p{N}{1,3}"#), ignoresMerges: true, addsBeginning: true)
        case "dbrx", "smaug-bpe": try self.init(Self.cl100k(#"\p{N}{1,3}"#), ignoresMerges: true)
        case "glm4", "glm5", "chatglm-bpe": try self.init(Self.cl100k(#"\p{N}{1,3}"#))
        case "qwen2", "stablelm2", "deepseek-r1-qwen", "megrez", "hunyuan", "kormo", "f2llmv2", "solar-open", "grok-2":
            try self.init(Self.cl100k(#"\p{N}"#))
        case "minicpm5": try self.init(#"\p{N}{1,3}"#, Self.cl100k(#"\p{N}+"#), ignoresMerges: true)
        case "laguna": try self.init(#"[^\n]+|[\n]+"#, Self.cl100k(#"\p{N}"#))
        case "ufakzeka": try self.init(#"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + Self.punctuation + Self.space)
        case "jais-2":
            let runs = [512, 256, 128, 64, 32, 16, 8, 4].map { "\\s{\($0)}(?!\\S)|" }.joined()
            try self.init(
                Self.contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"# + Self.punctuation + #"|\s*[\r\n]+|"#
                    + runs
                    + #"\s{1,2}(?!\S)|\s{1}"#)
        case "qwen35":
            try self.init(
                Self.contractions + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"#
                    + #"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"# + Self.space)
        case "exaone-moe":
            try self.init(
                Self.contractions + #"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"#
                    + #"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"#)
        case "seed-coder":
            try self.init(
                Self.contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+"# + Self.space)
        case "bailingmoe", "bailingmoe2", "llada-moe":
            try self.init(
                #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]"#
                    + #"|\s+(?!\S)|\s+"#)
        case "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2": try self.init(TiktokenFile.o200kPattern)
        case "tiny_aya", "cohere2moe":
            try self.init(#"\d{1,3}(?=(?:\d{3})*\b)"#, TiktokenFile.o200kPattern)
        case "granite-embed-multi-97m":
            let cases = (#"(?:(?=[\p{L}\p{M}])[^a-z])"#, #"(?:(?=[\p{L}\p{M}])[^A-Z])"#)
            try self.init(
                Self.cased(cases.0, cases.1, ending: Self.contractions + "?") + #"|\p{N}{1,3}"# + Self.slashes
                    + Self.space,
                ignoresMerges: true)
        case "tekken":
            try self.init(
                Self.cased(Self.upper, Self.lower, ending: "") + #"|\p{N}"# + Self.slashes + Self.space,
                ignoresMerges: true, addsBeginning: true)
        case "youtu":
            let others =
                "[\u{AC00}-\u{D7A3}\u{3131}-\u{318E}]+|[！…“”‘’—：；，\u{3001}-\u{303F}\u{FE30}-\u{FE4F}]+"
                + "|[\u{3105}-\u{312F}]+|[\u{4E00}-\u{9FA5}\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+"
            let words = Self.cased(Self.upper, Self.lower, ending: Self.contractions + "?") + #"|\p{N}"#
            try self.init(others, words + Self.slashes + Self.space, ignoresMerges: true)
        case "bloom", "poro-chat", "gpt3-finnish": try self.init(Self.bloom)
        case "viking": try self.init(Self.bloom, #"\p{N}"#)
        case "falcon":
            try self.init(#"[\p{P}\$\+<=>\^~\|`]+"#, Self.gpt2Words, "[0-9][0-9][0-9]")
        case "default":
            // What llama.cpp does where a file does not say; no backquote here.
            try self.init(#"[\p{P}\$\+<=>\^~\|]+"#, Self.gpt2Words, #"\p{N}+"#, "[0-9][0-9][0-9]")
        case "superbpe":
            // Before each group of three digits that ends a number, without matches that take nothing.
            try self.init(#"\p{N}+"#, #"(?:[\s\S](?!(?:\d{3})+(?!\d)))*[\s\S]"#)
        case "deepseek-coder":
            let ideographs = "[\u{4E00}-\u{9FA5}\u{0800}-\u{4E00}\u{AC00}-\u{D7FF}]+"
            try self.init(#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, ideographs, #"\p{N}"#)
        case "deepseek-llm":
            let ideographs = "[\u{4E00}-\u{9FA5}\u{0800}-\u{4E00}\u{AC00}-\u{D7FF}]+"
            try self.init(
                #"[\r\n]"#, #"\s?"# + Self.casedLetters + "+", Self.deepseekPunctuation, #"\s+$"#, ideographs,
                #"\p{N}+"#)
        case "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4":
            try self.init(#"\p{N}{1,3}"#, Self.kana, Self.deepseek(#"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#))
        case "spark2_5":
            try self.init(#"\p{N}{1,3}"#, Self.kana, Self.deepseek(#"|[\r\n]|\s+(?!\S)|\s+"#), #"\p{N}"#)
        case "chameleon":
            try self.init(
                "<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", #"[\t\n]|    |  "#, #"\p{N}"#, #"[\p{P}!-/:-@\[-`{-~]"#,
                then: Self.gpt2, addsBeginning: true)
        default:
            throw TokenizerError(.unknownComponent, "tokenizer.ggml.pre: the pre-tokenizer “\(name)” is not known")
        }
    }

    // MARK: Parts of expressions

    private static let contractions = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)"#
    private static let punctuation = #"| ?[^\s\p{L}\p{N}]+[\r\n]*"#
    private static let slashes = #"| ?[^\s\p{L}\p{N}]+[\r\n/]*"#
    private static let space = #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
    private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    private static let bloom = #" ?[^(\s|.,!?…。，、।۔،)]+"#
    private static let kana = "[\u{4E00}-\u{9FA5}\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+"
    private static let deepseekPunctuation =
        "\\s?[!-/:-~\u{FF01}-\u{FF0F}\u{FF1A}-\u{FF5E}\u{2018}-\u{201F}\u{3000}-\u{3002}]+"

    private static func cl100k(_ numbers: String) -> String {
        contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|"# + numbers + punctuation + space
    }

    private static func cased(_ upper: String, _ lower: String, ending: String) -> String {
        let opening = #"[^\r\n\p{L}\p{N}]?"#
        return opening + upper + "*" + lower + "+" + ending + "|" + opening + upper + "+" + lower + "*" + ending
    }

    private static func deepseek(_ end: String) -> String {
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##
            + #"| ?[\p{P}\p{S}]+"# + end
    }

    /// Latin, Greek, Cyrillic and other letters with case.
    private static let casedLetters =
        "[A-Za-z\u{B5}\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{1BA}\u{1BC}-\u{1BF}\u{1C4}-\u{293}\u{295}-\u{2AF}"
        + "\u{370}-\u{373}\u{376}\u{377}\u{37B}-\u{37D}\u{37F}\u{386}\u{388}-\u{38A}\u{38C}\u{38E}-\u{3A1}"
        + "\u{3A3}-\u{3F5}\u{3F7}-\u{481}\u{48A}-\u{52F}\u{531}-\u{556}\u{10A0}-\u{10C5}\u{13A0}-\u{13F5}"
        + "\u{13F8}-\u{13FD}\u{1C90}-\u{1CBA}\u{1CBD}-\u{1CBF}\u{1D00}-\u{1D2B}\u{1D6B}-\u{1D77}"
        + "\u{1D79}-\u{1D9A}\u{1E00}-\u{1F15}\u{1F18}-\u{1F1D}\u{1F20}-\u{1F45}\u{1F48}-\u{1F4D}"
        + "\u{1F50}-\u{1F57}\u{1F59}\u{1F5B}\u{1F5D}\u{1F5F}-\u{1F7D}\u{1F80}-\u{1FB4}\u{1FB6}-\u{1FBC}\u{1FBE}"
        + "\u{1FC2}-\u{1FC4}\u{1FC6}-\u{1FCC}\u{1FD0}-\u{1FD3}\u{1FD6}-\u{1FDB}\u{1FE0}-\u{1FEC}"
        + "\u{1FF2}-\u{1FF4}\u{1FF6}-\u{1FFC}\u{2102}\u{2107}\u{210A}-\u{2113}\u{2115}\u{2119}-\u{211D}\u{2124}"
        + "\u{2126}\u{2128}\u{212A}-\u{212D}\u{212F}-\u{2134}\u{2139}\u{213C}-\u{213F}\u{2145}-\u{2149}\u{214E}"
        + "\u{2183}\u{2184}\u{2C00}-\u{2C7B}\u{2C7E}-\u{2CE4}\u{2CEB}-\u{2CEE}\u{2CF2}\u{2CF3}\u{A640}-\u{A66D}"
        + "\u{A680}-\u{A69B}\u{A722}-\u{A76F}\u{A771}-\u{A787}\u{A78B}-\u{A78E}\u{AB70}-\u{ABBF}"
        + "\u{FB00}-\u{FB06}\u{FB13}-\u{FB17}\u{FF21}-\u{FF3A}\u{FF41}-\u{FF5A}\u{10400}-\u{1044F}"
        + "\u{104B0}-\u{104D3}\u{104D8}-\u{104FB}\u{10C80}-\u{10CB2}\u{10CC0}-\u{10CF2}\u{118A0}-\u{118DF}"
        + "\u{1E900}-\u{1E943}]"
}
