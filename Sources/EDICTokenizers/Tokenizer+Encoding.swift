public import EDICNumerics

extension Tokenizer {
    /// The ids of a text.
    ///
    /// - Parameters:
    ///   - addingSpecialTokens: put what the tokenizer's post-processor says around the text, such as `[CLS]`.
    ///   - policy: what the text of a special token in `text` is.
    public func encode(
        _ text: String, addingSpecialTokens: Bool = true, specialTokens policy: SpecialTokenPolicy = .recognized
    ) -> [UInt32] {
        var ids: [UInt32] = []
        encode(text.utf8Span.span, addingSpecialTokens: addingSpecialTokens, specialTokens: policy, into: &ids)
        return ids
    }

    /// The ids of UTF-8 bytes; see ``encode(_:addingSpecialTokens:specialTokens:into:)``.
    public func encode(
        _ text: Span<UInt8>, addingSpecialTokens: Bool = true, specialTokens policy: SpecialTokenPolicy = .recognized
    ) -> [UInt32] {
        var ids: [UInt32] = []
        encode(text, addingSpecialTokens: addingSpecialTokens, specialTokens: policy, into: &ids)
        return ids
    }

    /// Appends the ids of UTF-8 bytes to `ids`, which may be reused from text to text.
    ///
    /// Byte-level tokenizers encode bytes that are not UTF-8 as they are and decode them to the same bytes; the others
    /// take each for U+FFFD. Takes time linear in the text.
    public func encode(
        _ text: Span<UInt8>, addingSpecialTokens: Bool = true, specialTokens policy: SpecialTokenPolicy = .recognized,
        into ids: inout [UInt32]
    ) {
        encode(addingSpecialTokens, into: &ids) { core.encode(text, policy, into: &$0) }
    }

    /// The ids of a long text, stretches of which are encoded side by side; see
    /// ``encode(_:addingSpecialTokens:specialTokens:pool:into:)``.
    public func encode(
        _ text: String, addingSpecialTokens: Bool = true, specialTokens policy: SpecialTokenPolicy = .recognized,
        pool: WorkerPool
    ) -> [UInt32] {
        var ids: [UInt32] = []
        encode(
            text.utf8Span.span, addingSpecialTokens: addingSpecialTokens, specialTokens: policy, pool: pool, into: &ids)
        return ids
    }

    /// Appends the ids of UTF-8 bytes, stretches of which are encoded side by side: the same ids, whatever the pool.
    ///
    /// The caller encodes alone what is shorter than half a megabyte, and what is not cut, since ids may depend on all that
    /// comes before: where a tokenizer's splitting pattern is not known to begin a word at each space between letters, and
    /// with SentencePiece's Unigram, whose sums are rounded. For many texts see ``encode(batch:addingSpecialTokens:specialTokens:pool:)``.
    public func encode(
        _ text: Span<UInt8>, addingSpecialTokens: Bool = true, specialTokens policy: SpecialTokenPolicy = .recognized,
        pool: WorkerPool, into ids: inout [UInt32]
    ) {
        encode(addingSpecialTokens, into: &ids) { core.encode(text, policy, pool: pool, into: &$0) }
    }

    /// Appends a text's ids and what the post-processor puts around them.
    private func encode(_ addingSpecialTokens: Bool, into ids: inout [UInt32], _ appendText: (inout [UInt32]) -> Void) {
        for item in core.parts.postProcessor.items(isPair: false, addingSpecialTokens: addingSpecialTokens) {
            switch item {
            case .special(let special, _): if addingSpecialTokens { ids += special }
            case .first: appendText(&ids)
            case .second: break
            }
        }
    }

    /// Appends the ids of many texts that lie in one buffer, such as the lines of a file; returns where each one's end in `ids`.
    ///
    /// Short texts take half the time that they take one by one, since the words of many are looked up at once.
    ///
    /// - Parameter texts: where they are, in their order; what lies between is not encoded.
    /// - Precondition: no text begins before the one before it ends, and all are within `bytes`.
    public func encode(
        texts: [Range<Int>], in bytes: Span<UInt8>, addingSpecialTokens: Bool = true,
        specialTokens policy: SpecialTokenPolicy = .recognized, into ids: inout [UInt32]
    ) -> [Int] {
        var end = 0
        for text in texts {
            precondition(end <= text.lowerBound && text.upperBound <= bytes.count, "texts overlap or pass the end")
            end = text.upperBound
        }
        var bounds: [Int] = []
        bounds.reserveCapacity(texts.count + 1)
        let processor = core.parts.postProcessor
        if processor.addsNothing(addingSpecialTokens: addingSpecialTokens) {
            core.encode(texts[...], in: bytes, policy, into: &ids, bounds: &bounds)
            bounds.append(ids.count)
            return Array(bounds.dropFirst())
        }
        var found: [UInt32] = []
        core.encode(texts[...], in: bytes, policy, into: &found, bounds: &bounds)
        bounds.append(found.count)
        let items = processor.items(isPair: false, addingSpecialTokens: addingSpecialTokens)
        return texts.indices.map { text in
            for item in items {
                switch item {
                case .special(let special, _): if addingSpecialTokens { ids += special }
                case .first: ids += found[bounds[text]..<bounds[text + 1]]
                case .second: break
                }
            }
            return ids.count
        }
    }

    /// How many ids a text has.
    public func countTokens(
        _ text: String, addingSpecialTokens: Bool = true, specialTokens policy: SpecialTokenPolicy = .recognized
    ) -> Int {
        encode(text, addingSpecialTokens: addingSpecialTokens, specialTokens: policy).count
    }

    /// The ids of many texts, encoded side by side; results are in the order of the texts.
    public func encode(
        batch texts: [String], addingSpecialTokens: Bool = true, specialTokens policy: SpecialTokenPolicy = .recognized,
        pool: WorkerPool = .shared
    ) -> [[UInt32]] {
        let parcel = max(1, min(1024, texts.count / (pool.workers * 8)))
        let parcels = pool.map(count: (texts.count + parcel - 1) / parcel) { index, _ in
            var bytes: [UInt8] = []
            var ranges: [Range<Int>] = []
            for text in texts[index * parcel..<min(index * parcel + parcel, texts.count)] {
                let begin = bytes.count
                bytes += text.utf8
                ranges.append(begin..<bytes.count)
            }
            var ids: [UInt32] = []
            let ends = encode(
                texts: ranges, in: bytes.span, addingSpecialTokens: addingSpecialTokens, specialTokens: policy,
                into: &ids)
            return ends.indices.map { Array(ids[($0 == 0 ? 0 : ends[$0 - 1])..<ends[$0]]) }
        }
        return parcels.flatMap(\.self)
    }

    /// A text's ids with what each stands for, or a pair's.
    ///
    /// - Parameters:
    ///   - addingSpecialTokens: put what the tokenizer's post-processor says around the text or the pair.
    ///   - truncation: how ids are cut off, special tokens counted; nil: not at all, whatever the tokenizer's file says.
    ///   - padding: how ids are filled up; nil: not at all.
    ///   - policy: what the text of a special token in the texts is.
    public func encoding(
        of text: String, pair: String? = nil, addingSpecialTokens: Bool = true, truncation: Truncation? = nil,
        padding: PaddingRule? = nil, specialTokens policy: SpecialTokenPolicy = .recognized
    ) -> Encoding {
        var first = core.encoding(Array(text.utf8), policy)
        var second = pair.map { core.encoding(Array($0.utf8), policy) }
        if let truncation {
            let special = addingSpecialTokens ? core.parts.postProcessor.specialCount(isPair: pair != nil) : 0
            truncate(&first, &second, truncation, to: max(0, max(0, truncation.maximumLength) - special))
        }
        for keepsFirstSpace in core.parts.postProcessor.trims {
            first.trimOffsets(Array(text.utf8), keepsFirstSpace: keepsFirstSpace)
            if let pair { second?.trimOffsets(Array(pair.utf8), keepsFirstSpace: keepsFirstSpace) }
        }
        var result = core.parts.postProcessor.apply(first, second, addingSpecialTokens: addingSpecialTokens)
        if let padding { pad(&result, padding, to: padding.length ?? result.count) }
        return result
    }

    /// How the tokenizer's file says texts are cut, if it does.
    public var defaultTruncation: Truncation? { core.parts.truncation }
    /// How the tokenizer's file says texts are filled up, if it does.
    public var defaultPadding: PaddingRule? { core.parts.paddingRule }

    /// Fills up a batch to the length of its longest, or to the rule's.
    public func pad(_ batch: inout [Encoding], _ rule: PaddingRule) {
        let longest = batch.map(\.count).max() ?? 0
        for index in batch.indices { pad(&batch[index], rule, to: rule.length ?? longest) }
    }

    private func pad(_ encoding: inout Encoding, _ rule: PaddingRule, to length: Int) {
        let length = rule.filled(encoding.count, to: length)
        var fill = Encoding()
        for _ in encoding.count..<length { fill.appendSpecial(rule.id, type: rule.typeID, attention: false) }
        var result = rule.side == .left ? fill : encoding
        let other = rule.side == .left ? encoding : fill
        result.ids += other.ids
        result.typeIDs += other.typeIDs
        result.offsets += other.offsets
        result.specialTokensMask += other.specialTokensMask
        result.attentionMask += other.attentionMask
        encoding = result
    }

    private func truncate(_ first: inout Encoding, _ second: inout Encoding?, _ rule: Truncation, to length: Int) {
        func cut(_ encoding: inout Encoding, to count: Int) {
            guard encoding.count > count else { return }
            encoding = encoding.slice(rule.side == .right ? 0..<count : encoding.count - count..<encoding.count)
        }
        let total = first.count + (second?.count ?? 0)
        guard total > length else { return }
        guard var other = second else {
            cut(&first, to: length)
            return
        }
        switch rule.strategy {
        case .onlyFirst: cut(&first, to: max(0, length - other.count))
        case .onlySecond: cut(&other, to: max(0, length - first.count))
        case .longestFirst:
            // The longer gives way until both fit; an odd one is left to the second.
            let shorter = min(first.count, other.count)
            if shorter * 2 > length {
                let half = length / 2
                let firstIsShorter = first.count <= other.count
                cut(&first, to: firstIsShorter ? half : length - half)
                cut(&other, to: firstIsShorter ? length - half : half)
            } else if first.count > other.count {
                cut(&first, to: length - other.count)
            } else {
                cut(&other, to: length - first.count)
            }
        }
        second = other
    }
}
