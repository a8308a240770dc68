/// Everything a build found out, as numbers: the source of `report.json` and `report.html`.
///
/// What is in `run` and `changes` depends on the machine and on the last build; all else depends only on the recipe
/// and on what was contributed.
public struct BuildReport: Sendable, Equatable {
    public var name = ""
    /// SHA-256 over the paths and digests of all outputs, as 64 hexadecimal digits.
    public var rootHash = ""
    public var toolVersion = ""
    public var totals = Totals()
    /// The ledger of each stage that handles rows, in the order they ran.
    public var stages: [Stage] = []
    public var languages: [Language] = []
    public var pairs: [Pair] = []
    public var rejections: [Rejections] = []
    public var contributions: [Contribution] = []
    public var tokenizer = TokenizerSummary()
    public var dictionaries: [DictionaryTrialResult] = []
    public var models: [ModelSample] = []
    public var changes: Changes?
    public var run = Run()

    public init() {}

    public struct Totals: Sendable, Equatable {
        public var contributions = 0
        public var contributionsRejected = 0
        public var files = 0
        /// Bytes of the contributed files as they lie on disk.
        public var rawBytes = 0
        /// Bytes of UTF-8 text in the rows that were kept.
        public var textBytes = 0
        public var documents = 0
        public var units = 0
        public var words = 0
        public var tokens = 0
        /// Bytes of all outputs.
        public var outputBytes = 0

        public init() {}
    }

    /// What came into a stage, what left it, and why the rest did not: `rowsIn == rowsOut + rejected`.
    public struct Stage: Sendable, Equatable {
        public var name: String
        public var rowsIn: Int
        public var rowsOut: Int
        public var rejected: [ReasonCount]

        public init(name: String = "", rowsIn: Int = 0, rowsOut: Int = 0, rejected: [ReasonCount] = []) {
            self.name = name
            self.rowsIn = rowsIn
            self.rowsOut = rowsOut
            self.rejected = rejected
        }

        public var isBalanced: Bool { rowsIn == rowsOut + rejected.reduce(0) { $0 + $1.count } }
    }

    /// How many rows a reason took.
    public struct ReasonCount: Sendable, Equatable {
        public var reason: String
        public var count: Int

        public init(reason: String = "", count: Int = 0) {
            self.reason = reason
            self.count = count
        }
    }

    /// One language: its documents and its side of the translation units together.
    public struct Language: Sendable, Equatable {
        public var tag: String
        public var name: String
        /// What reading gave, before any row was rejected.
        public var read = Amount()
        /// What passed the filter, before duplicates were dropped.
        public var filtered = Amount()
        /// After de-duplication: what is in the shards.
        public var documents = 0
        public var segments = 0
        public var bytesKept = 0
        public var words = 0
        public var tokens = 0
        /// Bytes of the document shards of this language (without the parallel shards, which have several languages).
        public var shardBytes = 0
        /// Bytes of JSONL in these shards before compression.
        public var shardContentBytes = 0
        /// Bytes of the token shards of this language.
        public var tokenBytes = 0
        /// Perplexity a word on held-out rows, known words only; nil where there was too little text.
        public var perplexity: Double?
        /// Share of held-out words the model did not know.
        public var outOfVocabulary: Double?
        public var heldOutWords = 0
        public var ngrams = 0
        public var modelBytes = 0

        public init(tag: String = "", name: String = "") {
            self.tag = tag
            self.name = name
        }

        public var tokensPerWord: Double? { words > 0 && tokens > 0 ? Double(tokens) / Double(words) : nil }
        public var bytesPerToken: Double? { tokens > 0 ? Double(bytesKept) / Double(tokens) : nil }
        /// Bytes of JSONL for each byte in the shards.
        public var compression: Double? { shardBytes > 0 ? Double(shardContentBytes) / Double(shardBytes) : nil }
    }

    /// Texts of one language at some point of the build.
    public struct Amount: Sendable, Equatable {
        /// Documents and segments.
        public var texts = 0
        public var words = 0
        /// Bytes of UTF-8.
        public var bytes = 0

        public init() {}

        mutating func add(texts: Int, words: Int, bytes: Int) {
            self.texts += texts
            self.words += words
            self.bytes += bytes
        }
    }

    /// The translation units of one combination of languages.
    public struct Pair: Sendable, Equatable {
        public var tags: [String]
        public var units: Int

        public init(tags: [String] = [], units: Int = 0) {
            self.tags = tags
            self.units = units
        }
    }

    /// The rows rejected for one reason by one stage.
    public struct Rejections: Sendable, Equatable {
        public var stage: String
        public var reason: String
        public var count: Int
        public var samples: [Sample]

        public struct Sample: Sendable, Equatable {
            /// Contribution, file and line, byte or unit.
            public var place: String
            public var detail: String
            public var excerpt: String

            public init(place: String = "", detail: String = "", excerpt: String = "") {
                self.place = place
                self.detail = detail
                self.excerpt = excerpt
            }
        }

        public init(stage: String = "", reason: String = "", count: Int = 0, samples: [Sample] = []) {
            self.stage = stage
            self.reason = reason
            self.count = count
            self.samples = samples
        }
    }

    public struct Contribution: Sendable, Equatable {
        public var id = ""
        public var title = ""
        public var provider = ""
        public var memberState = ""
        public var languages: [String] = []
        public var licence = ""
        public var legalBasis = ""
        public var personalData = ""
        public var isAccepted = true
        /// What the check found, one line each, errors first.
        public var findings: [String] = []
        public var files = 0
        public var rawBytes = 0
        public var rowsRead = 0
        public var rowsKept = 0
        /// Digest of the manifest and the files, to tell what changed since the last build.
        public var digest = ""

        public init() {}
    }

    public struct TokenizerSummary: Sendable, Equatable {
        public var description = ""
        public var vocabularySize = 0
        public var digest = ""

        public init() {}
    }

    /// A language's token frames with and without a trained dictionary.
    public struct DictionaryTrialResult: Sendable, Equatable {
        public var language: String
        public var plainBytes: Int
        /// With the dictionary, the dictionary's own bytes included.
        public var dictionaryBytes: Int
        public var isUsed: Bool
        /// Megabytes of input a second; they vary from run to run.
        public var plainSpeed: Double
        public var dictionarySpeed: Double

        public init(
            language: String = "", plainBytes: Int = 0, dictionaryBytes: Int = 0, isUsed: Bool = false,
            plainSpeed: Double = 0, dictionarySpeed: Double = 0
        ) {
            self.language = language
            self.plainBytes = plainBytes
            self.dictionaryBytes = dictionaryBytes
            self.isUsed = isUsed
            self.plainSpeed = plainSpeed
            self.dictionarySpeed = dictionarySpeed
        }

        public var gain: Double { plainBytes == 0 ? 0 : 1 - Double(dictionaryBytes) / Double(plainBytes) }
    }

    /// What a transformer model made of a few rows.
    public struct ModelSample: Sendable, Equatable {
        public var model: String
        public var kind: String
        /// Why the model was not run, if it was not.
        public var problem: String?
        public var lines: [Line]

        /// What went in and what came out: a translation, or a score.
        public struct Line: Sendable, Equatable {
            public var input: String
            public var output: String

            public init(input: String = "", output: String = "") {
                self.input = input
                self.output = output
            }
        }

        public init(model: String = "", kind: String = "", problem: String? = nil, lines: [Line] = []) {
            self.model = model
            self.kind = kind
            self.problem = problem
            self.lines = lines
        }
    }

    /// How this build differs from the one before.
    public struct Changes: Sendable, Equatable {
        public var previousRootHash = ""
        public var added: [String] = []
        public var removed: [String] = []
        public var changed: [String] = []
        /// Languages whose number of texts or tokens changed.
        public var languages: [LanguageChange] = []

        public struct LanguageChange: Sendable, Equatable {
            public var tag: String
            public var texts: Int
            public var tokens: Int

            public init(tag: String = "", texts: Int = 0, tokens: Int = 0) {
                self.tag = tag
                self.texts = texts
                self.tokens = tokens
            }
        }

        public init() {}
    }

    /// How this run went; not part of what the build makes.
    public struct Run: Sendable, Equatable {
        public var workers = 0
        public var tasks = 0
        public var tasksReused = 0
        public var seconds = 0.0
        public var stages: [StageTime] = []
        public var peakMemory = 0

        public init() {}

        public struct StageTime: Sendable, Equatable {
            public var stage: String
            public var seconds: Double

            public init(stage: String = "", seconds: Double = 0) {
                self.stage = stage
                self.seconds = seconds
            }
        }
    }
}
