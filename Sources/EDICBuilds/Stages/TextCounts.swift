import EDICJSON

/// The texts of a language at some stage.
struct LanguageText: Sendable, Equatable, JSONRecord {
    var tag = ""
    var documents = 0
    var segments = 0
    var words = 0
    /// Bytes of UTF-8.
    var bytes = 0

    static var fields: [JSONField<Self>] {
        [
            JSONField("tag", \.tag), JSONField("documents", \.documents), JSONField("segments", \.segments),
            JSONField("words", \.words), JSONField("bytes", \.bytes),
        ]
    }
}

/// Counts texts by language. A task meets few languages, so looking through them beats hashing.
struct TextCounts {
    private var languages: [LanguageText] = []
    /// Where the last text's language is: the next one's is often the same.
    private var last = 0

    /// Sorted by tag.
    var sorted: [LanguageText] { languages.sorted { $0.tag < $1.tag } }

    mutating func add(_ tag: Span<UInt8>, isDocument: Bool, words: Int, bytes: Int) {
        if last >= languages.count || !Self.isSame(languages[last].tag, tag) {
            last = languages.firstIndex { Self.isSame($0.tag, tag) } ?? languages.count
            if last == languages.count {
                languages.append(LanguageText(tag: String(decoding: Array(tag), as: UTF8.self)))
            }
        }
        languages[last].documents += isDocument ? 1 : 0
        languages[last].segments += isDocument ? 0 : 1
        languages[last].words += words
        languages[last].bytes += bytes
    }

    private static func isSame(_ tag: String, _ other: Span<UInt8>) -> Bool {
        let own = tag.utf8.span
        guard own.count == other.count else { return false }
        for index in own.indices where own[index] != other[index] { return false }
        return true
    }
}

extension [UInt8] {
    /// A copy of the bytes.
    init(_ bytes: Span<UInt8>) {
        self = []
        reserveCapacity(bytes.count)
        for index in bytes.indices { append(bytes[index]) }
    }

    /// Appends a number, its lowest byte first.
    mutating func appendLittleEndian<Number: FixedWidthInteger>(_ number: Number) {
        var rest = number
        for _ in 0..<Number.bitWidth / 8 {
            append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }
}
