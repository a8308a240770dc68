/// Counts words fast, by a simple definition that is the same for all languages.
///
/// A word is a run of letters, marks and numbers (general categories L, M, N). An apostrophe (' or ’) or a middle dot
/// between two letters, and a full stop or comma between two digits, is inside the word: "l’eau", "col·lecció",
/// "3.14" are one word each; "e-mail" is two. Each ideograph, kana, and letter of Thai, Lao, Khmer and Burmese counts
/// as a word. Close to UAX #29, whose rules ``WordSegmenter`` follows exactly at a fifth of the speed (their
/// counts differ by less than one in a thousand on news in five languages).
public enum WordCounter {
    /// The number of words in UTF-8.
    public static func count(_ utf8: Span<UInt8>) -> Int { ICU.wordCount(utf8) }

    /// The same for a string.
    public static func count(_ text: String) -> Int { count(Array(text.utf8).span) }
}

/// Splits text into words by UAX #29, with ICU's rules and dictionaries for the language.
public struct WordSegmenter: ~Copyable {
    private var segmenter: ICUSegmenter

    /// - Throws: `unicodeLibrary` where ICU fails.
    public init(language: LanguageTag) throws(TextError) {
        segmenter = try ICUSegmenter(.words, locale: language.icuLocale)
    }

    /// Calls `body` with the byte range of each word (not of the spaces and punctuation between them).
    public mutating func forEachWord(in utf8: Span<UInt8>, _ body: (Range<Int>) -> Void) throws(TextError) {
        try segmenter.forEach(in: utf8) { range, isWord in
            if isWord { body(range) }
            return true
        }
    }

    /// The words of a text, without what is between them.
    public mutating func words(in text: String) throws(TextError) -> [String] {
        let bytes = Array(text.utf8)
        var words: [String] = []
        try forEachWord(in: bytes.span) { words.append(String(decoding: bytes[$0], as: UTF8.self)) }
        return words
    }
}
