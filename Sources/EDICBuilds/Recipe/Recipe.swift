public import EDICCorpora

/// What a build is to do: which contributions go in, and how each stage treats them.
///
/// A recipe is YAML; every key has a default, and `edic build --show-recipe` prints the whole of it. Two recipes that
/// differ only in `output`, `workers` or `memory` give the same bytes: those say how a build runs, not what it makes.
public struct Recipe: Sendable, Equatable {
    /// The name shown in the report.
    public var name = "build"
    /// Folders that hold a `contribution.yaml`, relative to the recipe; the last component may hold `*` and `?`.
    public var contributions: [String] = ["*"]
    /// Where state and releases are kept, relative to the recipe.
    public var output = "build"
    /// How many tasks run at once; 0 is one a core.
    public var workers = 0
    /// How much memory the training of a tokenizer and of n-gram models may take, in bytes.
    public var memory = 768 << 20

    /// Which rows are kept.
    public var filter = Filter()
    /// How duplicates are found.
    public var deduplicate = Deduplication.exact
    /// How documents are packed.
    public var shards = Shards()
    /// The tokenizer of the build.
    public var tokenizer = TokenizerChoice()
    /// How token ids are packed.
    public var tokens = Tokens()
    /// The n-gram model of each language.
    public var ngram = Ngram()
    /// The transformer models that are tried.
    public var models = Models()
    /// What the report shows.
    public var report = ReportChoice()

    public init() {}

    /// Which rows are kept.
    public struct Filter: Sendable, Equatable {
        /// The limits; their defaults are the library's.
        public var rows = RowFilter.Settings()
        /// Whether the language of texts is identified, and rows in another one than declared are rejected.
        public var verifyLanguage = true

        public init() {}
    }

    /// How duplicates are found.
    public enum Deduplication: String, Sendable, CaseIterable {
        /// Rows with the same text are one row; the first by contribution, file and position stays.
        case exact
        /// All rows stay.
        case none
    }

    /// How documents are packed.
    public struct Shards: Sendable, Equatable {
        /// The most bytes of JSONL in one shard.
        public var size = 256 << 20
        /// The bytes of JSONL in one zstd frame, the unit of random access.
        public var frame = 128 << 10
        /// The zstd level.
        public var level = 3

        public init() {}
    }

    /// The tokenizer of the build.
    public struct TokenizerChoice: Sendable, Equatable {
        /// A tokenizer file to use instead of training one, relative to the recipe.
        public var path: String?
        /// What is trained when `path` is not set.
        public var family = Family.byteLevelBPE
        /// How many tokens a trained tokenizer has.
        public var vocabularySize = 16_000
        /// How many bytes of text the training reads.
        public var sample = 32 << 20
        /// Languages are sampled in proportion to their size to this power: 1 keeps their proportions, 0 makes all equal.
        public var temperature = 0.5

        /// The kinds of tokenizer that a build can train.
        public enum Family: String, Sendable, CaseIterable {
            case byteLevelBPE = "byte-level-bpe"
            case sentencePieceBPE = "sentencepiece-bpe"
        }

        public init() {}
    }

    /// How token ids are packed.
    public struct Tokens: Sendable, Equatable {
        /// The bytes of ids in one zstd frame, the unit of random access.
        public var frame = 32 << 10
        /// The zstd level.
        public var level = 3
        /// Whether each language gets a trained zstd dictionary.
        public var dictionary = Dictionary.auto
        /// A dictionary is used under `auto` when it makes a language's tokens smaller by at least this share.
        public var dictionaryGain = 0.03

        /// When a trained dictionary is used: where it gains enough, always or never.
        public enum Dictionary: String, Sendable, CaseIterable {
            case auto, always, never
        }

        public init() {}
    }

    /// The n-gram model of each language.
    public struct Ngram: Sendable, Equatable {
        /// Highest order, 1 to 10; 0 makes no models.
        public var order = 3
        /// The share of rows kept out of the model to measure its perplexity, chosen by the digest of their ids.
        public var heldOut = 0.05

        public init() {}
    }

    /// The transformer models that the last stage tries on a sample.
    public struct Models: Sendable, Equatable {
        /// Where models are looked for, relative to the recipe.
        public var path = "../Models"
        /// How many rows each model is given; 0 leaves the stage out.
        public var sample = 8

        public init() {}
    }

    /// What the report shows.
    public struct ReportChoice: Sendable, Equatable {
        /// How many rejected rows are shown for each reason.
        public var samples = 3

        public init() {}
    }
}
