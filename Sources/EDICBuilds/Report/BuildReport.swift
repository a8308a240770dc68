/// Everything a build found out, as numbers: the source of `report.json` and `report.html`.
///
/// What is in `run` and `changes` depends on the machine and on the last build; all else depends only on the recipe
/// and on what was contributed.
public struct BuildReport: Sendable, Equatable {
    /// The name of the recipe.
    public var name = ""
    /// SHA-256 over the paths and digests of all outputs, as 64 hexadecimal digits.
    public var rootHash = ""
    /// The version of the toolkit that made it.
    public var toolVersion = ""
    /// Sums over all languages.
    public var totals = Totals()
    /// The ledger of each stage that handles rows, in the order they ran.
    public var stages: [Stage] = []
    /// Each language by itself.
    public var languages: [Language] = []
    /// The translation units of each combination of languages.
    public var pairs: [Pair] = []
    /// The rows that stages rejected, by stage and reason.
    public var rejections: [Rejections] = []
    /// What came in, and what became of it.
    public var contributions: [Contribution] = []
    /// The tokenizer of the build.
    public var tokenizer = TokenizerSummary()
    /// What a zstd dictionary would save, or saves, for each language.
    public var dictionaries: [DictionaryTrialResult] = []
    /// What transformer models made of a few rows.
    public var models: [ModelSample] = []
    /// How this build differs from the last one; nil where there was none.
    public var changes: Changes?
    /// How this run went.
    public var run = Run()

    public init() {}

    /// Sums over all that a build took in and made.
    public struct Totals: Sendable, Equatable {
        /// All, those that were rejected too.
        public var contributions = 0
        /// Those that the check did not let in.
        public var contributionsRejected = 0
        /// Files of those that were accepted.
        public var files = 0
        /// Bytes of these files as they lie on disk.
        public var rawBytes = 0
        /// Bytes of UTF-8 text in the rows that were kept.
        public var textBytes = 0
        /// Documents that were kept.
        public var documents = 0
        /// Translation units that were kept.
        public var units = 0
        /// Words of both.
        public var words = 0
        /// Tokens of both.
        public var tokens = 0
        /// Bytes of all outputs.
        public var outputBytes = 0

        public init() {}
    }

    /// What came into a stage, what left it, and why the rest did not: `rowsIn == rowsOut + rejected`.
    public struct Stage: Sendable, Equatable {
        /// The name of the stage.
        public var name: String
        /// Rows that came in; for the check, contributions.
        public var rowsIn: Int
        /// Rows, or contributions, that went on.
        public var rowsOut: Int
        /// The rest, by reason.
        public var rejected: [ReasonCount]

        public init(name: String = "", rowsIn: Int = 0, rowsOut: Int = 0, rejected: [ReasonCount] = []) {
            self.name = name
            self.rowsIn = rowsIn
            self.rowsOut = rowsOut
            self.rejected = rejected
        }

        /// Whether every row is accounted for.
        public var isBalanced: Bool { rowsIn == rowsOut + rejected.reduce(0) { $0 + $1.count } }
    }

    /// How many rows a reason took.
    public struct ReasonCount: Sendable, Equatable {
        /// The stable code of the reason.
        public var reason: String
        /// How many rows.
        public var count: Int

        public init(reason: String = "", count: Int = 0) {
            self.reason = reason
            self.count = count
        }
    }

    /// One language: its documents and its side of the translation units together.
    public struct Language: Sendable, Equatable {
        /// The language tag.
        public var tag: String
        /// The English name.
        public var name: String
        /// What reading gave, before any row was rejected.
        public var read = Amount()
        /// What passed the filter, before duplicates were dropped.
        public var filtered = Amount()
        /// After de-duplication: what is in the shards.
        public var documents = 0
        /// This language's sides of translation units, likewise.
        public var segments = 0
        /// Bytes of UTF-8 in both.
        public var bytesKept = 0
        /// Words in both.
        public var words = 0
        /// Tokens in both.
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
        /// Words of the held-out rows.
        public var heldOutWords = 0
        /// N-grams of all orders in the model.
        public var ngrams = 0
        /// Bytes of the model's file.
        public var modelBytes = 0

        public init(tag: String = "", name: String = "") {
            self.tag = tag
            self.name = name
        }

        /// Nil where either is 0.
        public var tokensPerWord: Double? { words > 0 && tokens > 0 ? Double(tokens) / Double(words) : nil }
        /// Bytes of UTF-8; nil without tokens.
        public var bytesPerToken: Double? { tokens > 0 ? Double(bytesKept) / Double(tokens) : nil }
        /// Bytes of JSONL for each byte in the shards.
        public var compression: Double? { shardBytes > 0 ? Double(shardContentBytes) / Double(shardBytes) : nil }
    }

    /// Texts of one language at some point of the build.
    public struct Amount: Sendable, Equatable {
        /// Documents and segments.
        public var texts = 0
        /// Words of them.
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
        /// The language tags, sorted.
        public var tags: [String]
        /// How many units.
        public var units: Int

        public init(tags: [String] = [], units: Int = 0) {
            self.tags = tags
            self.units = units
        }
    }

    /// The rows rejected for one reason by one stage.
    public struct Rejections: Sendable, Equatable {
        /// The name of the stage.
        public var stage: String
        /// The stable code of the reason.
        public var reason: String
        /// How many rows.
        public var count: Int
        /// Some of them.
        public var samples: [Sample]

        /// One rejected row.
        public struct Sample: Sendable, Equatable {
            /// Contribution, file and line, byte or unit.
            public var place: String
            /// What was wrong with it, in words.
            public var detail: String
            /// The beginning of its text.
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

    /// One contribution: what its manifest says, and what became of it.
    public struct Contribution: Sendable, Equatable {
        /// As in its manifest; the folder's name where it was rejected.
        public var id = ""
        /// As in its manifest.
        public var title = ""
        /// Who gives it.
        public var provider = ""
        /// The provider's member state.
        public var memberState = ""
        /// The language tags that the manifest declares.
        public var languages: [String] = []
        /// An SPDX expression.
        public var licence = ""
        /// On what ground the texts may be used.
        public var legalBasis = ""
        /// Which personal data the manifest says there are.
        public var personalData = ""
        /// Whether the check let it in.
        public var isAccepted = true
        /// What the check found, one line each, errors first.
        public var findings: [String] = []
        /// Its files of text.
        public var files = 0
        /// Their bytes as they lie on disk.
        public var rawBytes = 0
        /// Rows that reading gave.
        public var rowsRead = 0
        /// Rows that are in the shards.
        public var rowsKept = 0
        /// Digest of the manifest and the files, to tell what changed since the last build.
        public var digest = ""

        public init() {}
    }

    /// The tokenizer of a build.
    public struct TokenizerSummary: Sendable, Equatable {
        /// What it is, in words.
        public var description = ""
        /// How many tokens it has.
        public var vocabularySize = 0
        /// SHA-256 of its file, as 64 hexadecimal digits.
        public var digest = ""

        public init() {}
    }

    /// A language's token frames with and without a trained dictionary.
    public struct DictionaryTrialResult: Sendable, Equatable {
        /// The language tag.
        public var language: String
        /// Without a dictionary, in bytes.
        public var plainBytes: Int
        /// With the dictionary, the dictionary's own bytes included.
        public var dictionaryBytes: Int
        /// Whether the token shards have the dictionary.
        public var isUsed: Bool
        /// Megabytes of input a second; they vary from run to run.
        public var plainSpeed: Double
        /// The same with the dictionary.
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

        /// The share of bytes that the dictionary saves.
        public var gain: Double { plainBytes == 0 ? 0 : 1 - Double(dictionaryBytes) / Double(plainBytes) }
    }

    /// What a transformer model made of a few rows.
    public struct ModelSample: Sendable, Equatable {
        /// The name of the model's folder or file.
        public var model: String
        /// What it does, such as `translation`; empty where it was not run.
        public var kind: String
        /// Why the model was not run, if it was not.
        public var problem: String?
        /// What it made of each row.
        public var lines: [Line]

        /// What went in and what came out: a translation, or a score.
        public struct Line: Sendable, Equatable {
            /// The row's text.
            public var input: String
            /// The translation, or the score in words.
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
        /// The root hash of the build before.
        public var previousRootHash = ""
        /// Ids of contributions that are new.
        public var added: [String] = []
        /// Ids of contributions that are gone.
        public var removed: [String] = []
        /// Ids of contributions whose digest is another.
        public var changed: [String] = []
        /// Languages whose number of texts or tokens changed.
        public var languages: [LanguageChange] = []

        /// How much more, or less, there is of a language.
        public struct LanguageChange: Sendable, Equatable {
            /// The language tag.
            public var tag: String
            /// Documents and segments more than before.
            public var texts: Int
            /// Tokens more than before.
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
        /// Tasks that could run at once.
        public var workers = 0
        /// Tasks of the build.
        public var tasks = 0
        /// Those that an earlier build had finished.
        public var tasksReused = 0
        /// How long the run took.
        public var seconds = 0.0
        /// How long each stage took.
        public var stages: [StageTime] = []
        /// The most memory the process had, in bytes.
        public var peakMemory = 0

        public init() {}

        /// The time of one stage.
        public struct StageTime: Sendable, Equatable {
            /// The name of the stage.
            public var stage: String
            /// From its beginning to its end.
            public var seconds: Double

            public init(stage: String = "", seconds: Double = 0) {
                self.stage = stage
                self.seconds = seconds
            }
        }
    }
}
