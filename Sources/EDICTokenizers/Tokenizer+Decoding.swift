extension Tokenizer {
    /// The text of ids. What is not UTF-8 becomes U+FFFD; ids that no token has are left out.
    public func decode(_ ids: some Sequence<UInt32>, skippingSpecialTokens: Bool = true) -> String {
        core.decode(ids, skippingSpecialTokens: skippingSpecialTokens).decodedText
    }

    /// The bytes of ids, which need not be UTF-8 where a character is cut.
    public func decodeBytes(_ ids: some Sequence<UInt32>, skippingSpecialTokens: Bool = true) -> [UInt8] {
        core.decode(ids, skippingSpecialTokens: skippingSpecialTokens)
    }

    /// A decoder for ids that come one by one.
    public func streamingDecoder(skippingSpecialTokens: Bool = true) -> StreamingDecoder {
        StreamingDecoder(core, skippingSpecialTokens)
    }
}

/// Decodes ids as they come, giving out whole characters only. All that it gives out is what ``Tokenizer/decode(_:skippingSpecialTokens:)``
/// makes of all ids, but for one thing: a `tokenizer.json` with `ByteFallback` turns a whole run of bytes into U+FFFD where
/// one of them is damaged, and characters that were given out before it came stay.
public struct StreamingDecoder: Sendable {
    private let core: TokenizerCore
    private let skipsSpecial: Bool
    /// Bytes of a byte-level model that are no character yet.
    private var pending: [UInt8] = []
    /// The last ids whose text was given out, since a decoder treats the first tokens of a text otherwise, and those
    /// whose text may still change.
    private var window: [UInt32] = []
    /// How many of the window's first ids are enough for what follows not to be the beginning of a text; 0 while nothing
    /// was given out.
    private var context = 0
    /// How many bytes of the window's text were given out.
    private var given = 0
    /// The bytes that the window's last ids stand for, as long as they are no character.
    private var run: [UInt8] = []

    init(_ core: TokenizerCore, _ skipsSpecial: Bool) {
        self.core = core
        self.skipsSpecial = skipsSpecial
    }

    /// The text that `id` completes: empty while a character is incomplete.
    public mutating func append(_ id: UInt32) -> String {
        if core.joinsBytes {
            pending += decoded([id])
            return take(keepingIncomplete: true)
        }
        guard core.isDecoded(id, skippingSpecialTokens: skipsSpecial) else { return "" }
        if let byte = core.byte(of: id) {
            window.append(id)
            run.append(byte)
            return core.sparesGoodBytes ? takeCharacters() : takeWholeRun()
        }
        let before = endRun()
        window.append(id)
        let text = decoded(window)
        // Tokens may be letters of bytes that a decoder joins.
        let incomplete = Self.incompleteBytes(atEndOf: text)
        let new = give(text, to: text.count - incomplete)
        if incomplete == 0 { keepContext(id, isEmpty: text.isEmpty) }
        return before + new
    }

    /// What is left at the end; incomplete characters become U+FFFD.
    public mutating func finish() -> String {
        if core.joinsBytes { return take(keepingIncomplete: false) }
        let bytes = endRun()
        let text = decoded(window)
        let rest = give(text, to: text.count)
        (window, context, given) = ([], 0, 0)
        return bytes + rest
    }

    private func decoded(_ ids: [UInt32]) -> [UInt8] { core.decode(ids, skippingSpecialTokens: skipsSpecial) }

    /// What was not given out of the window's text before `end`.
    private mutating func give(_ text: [UInt8], to end: Int) -> String {
        guard end > given else { return "" }
        defer { given = end }
        return Array(text[given..<end]).decodedText
    }

    /// Keeps of the window what later ids depend on, its last id being `id`, which is text.
    private mutating func keepContext(_ id: UInt32, isEmpty: Bool) {
        if !decoded([id]).isEmpty {
            (window, context) = ([id], 1)
        } else if context > 0 {
            // It would be nothing at the beginning of a text, so what was before it stays.
            window.replaceSubrange(context..., with: [id])
        } else if !isEmpty {
            context = window.count
        }
        given = decoded(window).count
    }

    /// Gives out the characters of the run, and U+FFFD for each byte before its end that is of none.
    private mutating func takeCharacters() -> String {
        let incomplete = Self.incompleteBytes(atEndOf: run)
        guard incomplete < run.count else { return "" }
        let text = decoded(window)
        // For now each of those bytes is one U+FFFD.
        let new = give(text, to: text.count - 3 * incomplete)
        run.removeFirst(run.count - incomplete)
        // No byte before them goes on in them, so one is enough.
        window.removeFirst(window.count - incomplete - 1)
        context = 1
        given = decoded(window).count - 3 * incomplete
        return new
    }

    /// Gives out the run where all of it is characters.
    private mutating func takeWholeRun() -> String {
        guard Decoder.isWellFormed(run) else { return "" }
        let text = decoded(window)
        let new = give(text, to: text.count)
        defer { run = [] }
        if context > 0 {
            // Were they kept, later bytes could change them.
            window.removeLast(run.count)
            given = decoded(window).count
        } else if !text.isEmpty {
            context = window.count
        }
        return new
    }

    /// Gives out the bytes that no more can complete.
    private mutating func endRun() -> String {
        guard !run.isEmpty else { return "" }
        defer { run = [] }
        guard core.sparesGoodBytes else {
            // Other bytes before them may be in the window, which were given out as characters.
            if context > 0 {
                window.removeLast(run.count)
            } else {
                window.removeFirst(window.count - run.count)
                context = run.count
                given = decoded(window).count
            }
            return String(repeating: "\u{FFFD}", count: run.count)
        }
        let text = decoded(window)
        let new = give(text, to: text.count)
        if context == 0 { context = window.count }
        return new
    }

    private mutating func take(keepingIncomplete: Bool) -> String {
        let end = pending.count - (keepingIncomplete ? Self.incompleteBytes(atEndOf: pending) : 0)
        let text = Array(pending[..<end]).decodedText
        pending.removeFirst(end)
        return text
    }

    /// How many bytes at the end may be the beginning of a character.
    private static func incompleteBytes(atEndOf text: [UInt8]) -> Int {
        // A lead byte in the last three that wants more than there is.
        for back in 1...3 where back <= text.count {
            let byte = text[text.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return wanted > back ? back : 0
        }
        return 0
    }
}
