/// Long texts, cut where nothing that comes before can show in the ids, so that threads may share them out.
extension EncodingPlan {
    /// The stretches of a text of about `size` bytes each, cut at single spaces between letters or numbers, which are the
    /// first byte of a stretch; nil where ids may depend on all that comes before.
    func stretches(of text: Span<UInt8>, size: Int) -> [Range<Int>]? {
        guard isCutBySpaces else { return nil }
        var stretches: [Range<Int>] = []
        var begin = 0
        while begin < text.count {
            let end = Self.spaceBetweenLetters(in: text, from: begin + size)
            stretches.append(begin..<end)
            begin = end
        }
        return stretches
    }

    /// Whether words before a space between letters never change the ids of those behind it.
    private var isCutBySpaces: Bool {
        switch kind {
        case .bytes, .byExpressions(.anything, _), .wholeParts, .metaspace: true
        case .byExpressions: false
        case .spaced: spanning.isEmpty
        // Unigram's sums of single precision go through the whole text.
        case .sentencePiece(_, let native): spanning.isEmpty && native?.isUnigram == false
        }
    }

    /// Appends the ids of a stretch that is not a text's first; false, with nothing appended, where the text must be encoded
    /// step by step.
    func encodeStretch(
        _ text: Span<UInt8>, core: TokenizerCore, table: WordTable, into ids: inout [UInt32]
    ) -> Bool {
        switch kind {
        case .bytes, .byExpressions, .wholeParts:
            return encode(text, isFirst: false, core: core, table: table, into: &ids)
        case .metaspace:
            // Each word brings a ▁ of its own.
            return encode(text.extracting(droppingFirst: 1), isFirst: false, core: core, table: table, into: &ids)
        case .spaced(_, let native):
            return encodeWords(text, 0, native, table, &ids) { word, prefix, _ in
                spaced(word, prefix: prefix, core)
            }
        case .sentencePiece(let normalizer, let native):
            return encodeWords(text, 0, native, table, &ids) {
                encodeChunk($0, prefix: $1, normalizer, core, $2)
            }
        }
    }
}
