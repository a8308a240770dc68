/// What an institute says about the files it sends: the contents of `contribution.yaml`.
public struct ContributionManifest: Sendable, Equatable {
    /// The name of the manifest's file in the contribution's folder.
    public static let fileName = "contribution.yaml"

    /// The id: lower-case letters, digits, `-`, `_` and `.`, at most 64, the first a letter or digit.
    public var id: String
    /// The name for people.
    public var title: String
    /// The institute that sends the data.
    public var provider: String
    /// The member state of the provider, as an ISO 3166-1 code; `EU` for bodies of the Union.
    public var memberState: String
    /// The languages of the texts, as BCP-47 tags.
    public var languages: [String]
    /// The licence of the texts.
    public var licence: LicenceExpression
    /// On what ground the texts may be used, such as `own-work` or `cdsm-article-3`.
    public var legalBasis: String
    /// Which personal data the texts hold.
    public var personalData: PersonalData
    /// When the texts were collected.
    public var collected: CollectionPeriod?
    /// What the texts are about, such as `parliament`.
    public var domain: String?
    /// More about the contribution, for readers.
    public var description: String?
    /// The files, entry by entry.
    public var files: [FileSpecification]

    /// Which personal data texts hold.
    public enum PersonalData: String, Sendable, CaseIterable {
        /// There is none.
        case none
        /// Only that of people in public office, acting in it.
        case publicOfficials = "public-officials"
        /// Names and the like were replaced.
        case pseudonymised
        /// There is some.
        case present
        /// Nobody looked.
        case unknown
    }

    /// Two dates, each `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    public struct CollectionPeriod: Sendable, Equatable {
        /// The first day, month or year.
        public var from: String
        /// The last.
        public var to: String

        public init(from: String, to: String) {
            self.from = from
            self.to = to
        }
    }

    public init(
        id: String, title: String, provider: String, memberState: String, languages: [String],
        licence: LicenceExpression, legalBasis: String, personalData: PersonalData,
        collected: CollectionPeriod? = nil, domain: String? = nil, description: String? = nil,
        files: [FileSpecification]
    ) {
        self.id = id
        self.title = title
        self.provider = provider
        self.memberState = memberState
        self.languages = languages
        self.licence = licence
        self.legalBasis = legalBasis
        self.personalData = personalData
        self.collected = collected
        self.domain = domain
        self.description = description
        self.files = files
    }
}

/// The formats that readers exist for, by the names that manifests use.
public enum FileFormat: String, Sendable, CaseIterable {
    /// Plain text.
    case text
    /// One JSON object a line.
    case jsonl
    /// Columns between tabs: one text, or the sides of a pair.
    case tsv
    /// One file a language; lines of the same number belong together.
    case moses
    /// Translation Memory eXchange 1.4.
    case tmx
    /// Universal Dependencies' CoNLL-U.
    case conllu
    /// TEI, as ParlaMint uses it for parliamentary debates.
    case tei
    /// gettext message catalogues, as text and compiled.
    case po, mo
    case html

    /// Whether a row of the format has two or more languages.
    public var isParallel: Bool {
        switch self {
        case .moses, .tmx, .po, .mo: true
        case .text, .jsonl, .tsv, .conllu, .tei, .html: false
        }
    }
}

/// One entry of a manifest's `files`: which files, and how to read them.
public struct FileSpecification: Sendable, Equatable {
    /// Which files: paths relative to the contribution's folder. `*` stands for any characters but `/`, `**` for any
    /// at all, `?` for one, and `{language}` for a language tag, which then is the file's language. Moses files are
    /// grouped by what is left when `{language}` is taken away.
    public var patterns: [String]
    /// How the files are to be read.
    public var format: FileFormat
    /// The languages of the files; empty where the files or their names say it themselves.
    public var languages: [String]
    /// The charset; nil when it is to be detected.
    public var encoding: String?
    /// What else their format leaves open.
    public var options: FileOptions
    /// The line of the manifest where the entry begins, the first being 1; 0 if there is none.
    public var line: Int

    public init(
        patterns: [String], format: FileFormat, languages: [String] = [], encoding: String? = nil,
        options: FileOptions = FileOptions(), line: Int = 0
    ) {
        self.patterns = patterns
        self.format = format
        self.languages = languages
        self.encoding = encoding
        self.options = options
        self.line = line
    }
}

/// How to read files of formats that leave it open.
public struct FileOptions: Sendable, Equatable {
    /// What makes a document in a plain text.
    public enum TextUnit: String, Sendable, CaseIterable {
        case file, line, paragraph
    }

    /// What a column of a TSV file holds.
    public enum Column: Sendable, Equatable {
        /// Text in this language.
        case text(String)
        /// Metadata under this key.
        case metadata(String)
        /// Nothing of interest.
        case ignored
    }

    /// Plain text: what a document is. CoNLL-U: `file`, `paragraph` (newpar) or `line` (a sentence each).
    public var unit: TextUnit = .file
    /// TSV: what the columns hold, from the left.
    public var columns: [Column] = []
    /// TSV: whether the first line holds names and no data.
    public var hasHeader = false
    /// JSONL: the field that holds the text.
    public var textField = "text"
    /// JSONL: the field that holds the language tag, used where it is present.
    public var languageField = "lang"
    /// JSONL: the field that holds the record's own id, kept as metadata.
    public var idField = "id"
    /// JSONL: further fields that are kept as metadata.
    public var metadataKeys: [String] = []
    /// gettext: the language of the `msgid`s.
    public var sourceLanguage = "en"
    /// gettext: whether entries marked fuzzy are taken.
    public var includesFuzzy = false

    public init() {}
}
