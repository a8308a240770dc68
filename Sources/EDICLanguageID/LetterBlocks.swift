internal import EDICText

/// Blocks of 128 scalars, from U+0000 to U+1FFF, by the bits of a number.
struct LetterBlocks: OptionSet, Sendable {
    let rawValue: UInt64

    /// The blocks of U+0000–027F and U+1E00–1EFF, and of a few letters beyond, whose number overflows.
    static let latin = LetterBlocks(rawValue: 0b11111 | 1 << 24 | 1 << 60 | 1 << 61)
    /// U+0380–03FF and U+1F00–1FFF.
    static let greek = LetterBlocks(rawValue: 1 << 7 | 1 << 62 | 1 << 63)
    /// U+0400–052F.
    static let cyrillic = LetterBlocks(rawValue: 1 << 8 | 1 << 9 | 1 << 10)

    /// Those of the scripts that a language is written in; all where nothing is known.
    init(of tag: String) {
        var blocks: LetterBlocks = []
        for script in ScriptsOfLanguages.scripts(of: tag) {
            switch script {
            case .latin: blocks.formUnion(.latin)
            case .greek: blocks.formUnion(.greek)
            case .cyrillic: blocks.formUnion(.cyrillic)
            default: break
            }
        }
        self = blocks.isEmpty ? LetterBlocks(rawValue: .max) : blocks
    }

    init(rawValue: UInt64) { self.rawValue = rawValue }
}
