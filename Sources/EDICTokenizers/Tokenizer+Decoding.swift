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

/// Decodes ids as they come, giving out whole characters only.
public struct StreamingDecoder: Sendable {
    private let core: TokenizerCore
    private let skipsSpecial: Bool
    private var pending: [UInt8] = []
    /// The ids whose text may still change, the first of them already given out as context.
    private var window: [UInt32] = []
    private var given = 0

    init(_ core: TokenizerCore, _ skipsSpecial: Bool) {
        self.core = core
        self.skipsSpecial = skipsSpecial
    }

    /// The text that `id` completes: empty while a character is incomplete.
    public mutating func append(_ id: UInt32) -> String {
        if core.isByteLevel {
            pending += core.decode(CollectionOfOne(id), skippingSpecialTokens: skipsSpecial)
            return take(keepingIncomplete: true)
        }
        window.append(id)
        let text = core.decode(window, skippingSpecialTokens: skipsSpecial)
        // A replacement character at the end may be a character whose bytes are still to come.
        guard text.count > given, !text.suffix(3).elementsEqual([0xEF, 0xBF, 0xBD]) else { return "" }
        let new = Array(text[given...])
        // Keep the last id as context, since a decoder may treat the first token of a text otherwise; the last byte
        // of a character means nothing alone and keeps those before it.
        if Decoder.byteValue(core.spelling(of: id) ?? []) != nil {
            given = text.count
        } else {
            window = [id]
            given = core.decode(window, skippingSpecialTokens: skipsSpecial).count
        }
        return new.decodedText
    }

    /// What is left at the end; incomplete characters become U+FFFD.
    public mutating func finish() -> String {
        if core.isByteLevel { return take(keepingIncomplete: false) }
        let text = core.decode(window, skippingSpecialTokens: skipsSpecial)
        defer {
            window = []
            given = 0
        }
        return text.count > given ? Array(text[given...]).decodedText : ""
    }

    private mutating func take(keepingIncomplete: Bool) -> String {
        var end = pending.count
        if keepingIncomplete {
            // A lead byte in the last three that wants more than there is.
            for back in 1...3 where back <= pending.count {
                let byte = pending[pending.count - back]
                if byte & 0xC0 == 0x80 { continue }
                let wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
                if wanted > back { end = pending.count - back }
                break
            }
        }
        let text = Array(pending[..<end]).decodedText
        pending.removeFirst(end)
        return text
    }
}
