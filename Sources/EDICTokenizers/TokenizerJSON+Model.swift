internal import EDICJSON

extension TokenizerJSONReader {
    func detectsByteLevel(_ model: JSONElement, _ added: [AddedToken]) -> Bool {
        if let type = model["type"]?.string, type != "BPE" { return false }
        if model["byte_fallback"]?.bool == true { return false }
        return !marksSymbols(model) && seesNoLetters(added)
    }

    /// Whether symbols carry a mark (CLIP), and are no bytes: then texts are of the alphabet's letters.
    private func marksSymbols(_ model: JSONElement) -> Bool {
        ["continuing_subword_prefix", "end_of_word_suffix"].contains { model[$0]?.string?.isEmpty == false }
    }

    /// Whether the last step before the model turns bytes into letters.
    private var endsInByteLevel: Bool {
        func last(_ element: JSONElement?, _ list: String) -> String? {
            guard let element else { return nil }
            guard element["type"]?.string == "Sequence" else { return element["type"]?.string }
            return element[list]?.elements.last.flatMap { last($0, list) }
        }
        return last(optional("pre_tokenizer"), "pretokenizers") == "ByteLevel"
            || last(optional("normalizer"), "normalizers") == "ByteLevel"
    }

    /// Whether bytes become letters once, behind all that could tell them from what they stand for.
    private func seesNoLetters(_ added: [AddedToken]) -> Bool {
        func count(_ element: JSONElement?, _ list: String) -> Int {
            guard let element else { return 0 }
            if element["type"]?.string == "ByteLevel" { return 1 }
            return (element[list]?.elements ?? []).reduce(0) { $0 + count($1, list) }
        }
        let normalizers = count(optional("normalizer"), "normalizers")
        let preTokenizers = count(optional("pre_tokenizer"), "pretokenizers")
        guard endsInByteLevel, normalizers + preTokenizers == 1 else { return false }
        return normalizers == 0 || optional("pre_tokenizer") == nil && !added.contains(where: \.isNormalized)
    }

    /// The bytes whose letters are tokens.
    private func letters(_ model: JSONElement) -> Set<UInt8> {
        var found: Set<UInt8> = []
        func add(_ token: Span<UInt8>) {
            guard (1...2).contains(token.count) else { return }
            let (scalar, length) = decodeScalar(token, 0)
            if length == token.count, let byte = ByteAlphabet.byte(scalar) { found.insert(byte) }
        }
        guard let vocabulary = model["vocab"] else { return found }
        vocabulary.forEachMember { token, _ in add(token) }
        vocabulary.forEachElement { piece in
            if let token = piece.elements.first?.string { add(Array(token.utf8).span) }
        }
        return found
    }

    /// Whether a model gets letters of bytes only: a ▁ that comes in front of them is none.
    private var getsLettersOnly: Bool {
        func has(_ type: String, in element: JSONElement) -> Bool {
            element["type"]?.string == type
                || (element["pretokenizers"]?.elements ?? []).contains { has(type, in: $0) }
        }
        guard endsInByteLevel else { return false }
        guard let pre = optional("pre_tokenizer"), pre["type"] != nil else { return true }
        return !has("Metaspace", in: pre)
    }

    /// Whether no text is unknown to a model: it gets letters of bytes only, and has those of all bytes of UTF-8 as they are.
    private func knowsAllText(_ model: JSONElement) -> Bool {
        let never: Set<UInt8> = Set(0xF5...0xFF).union([0xC0, 0xC1])
        return !marksSymbols(model) && getsLettersOnly && letters(model).union(never).count == 256
    }

    func readModel(_ model: JSONElement) throws(TokenizerError) -> Model {
        let inferred =
            model["merges"] != nil ? "BPE" : model["vocab"]?.kind == .array ? "Unigram" : "WordPiece"
        let type = model["type"]?.string ?? inferred
        switch type {
        case "BPE": return .bytePair(try bytePair(model))
        case "Unigram": return .unigram(try unigram(model))
        case "WordPiece":
            let vocabulary = try vocabulary(model)
            return .wordPiece(
                try WordPieceModel(
                    vocabulary: vocabulary, unknownID: try unknownToken(model, vocabulary.index()),
                    prefix: Array((model["continuing_subword_prefix"]?.string ?? "##").utf8),
                    longestWord: model["max_input_chars_per_word"]?.int ?? 100))
        case "WordLevel":
            let vocabulary = try vocabulary(model)
            let index = try vocabulary.index()
            let unknown = try unknownToken(model, index)
            return .wordLevel(WordLevelModel(vocabulary: vocabulary, index: index, unknownID: unknown))
        default: throw TokenizerError(.unknownComponent, "model: the model “\(type)” is not known")
        }
    }

    private func unknownToken(_ model: JSONElement, _ index: TokenIndex) throws(TokenizerError) -> UInt32 {
        let unknown = try string(model, "unk_token", "model")
        guard let id = index.id(of: Array(unknown.utf8).span) else {
            throw .malformed("model: the unknown token “\(unknown)” is not in the vocabulary")
        }
        return id
    }

    private func vocabulary(_ model: JSONElement) throws(TokenizerError) -> Vocabulary {
        guard let members = model["vocab"], members.kind == .object else {
            throw .malformed("model: “vocab” must be an object of tokens and ids")
        }
        var vocabulary = Vocabulary()
        try members.forEachMember { key, value throws(TokenizerError) in
            let id = try id(value, "model.vocab")
            guard vocabulary.range(of: id) == nil else { throw .malformed("model.vocab: the id \(id) is given twice") }
            try vocabulary.set(key, id: Int(id))
        }
        return vocabulary
    }

    /// The pairs that merge and what comes of them, by the ids of `spelling`.
    private func merges(
        _ model: JSONElement, _ prefix: [UInt8], _ spelling: TokenIndex
    ) throws(TokenizerError) -> (pairs: [(left: UInt32, right: UInt32)], results: [UInt32]) {
        guard let list = model["merges"], list.kind == .array else {
            throw .malformed("model: “merges” must be a list")
        }
        var merges: [(left: UInt32, right: UInt32)] = []
        var results: [UInt32] = []
        merges.reserveCapacity(list.count)
        results.reserveCapacity(list.count)
        var whole: [UInt8] = []
        func add(_ left: Span<UInt8>, _ right: Span<UInt8>) throws(TokenizerError) {
            whole.removeAll(keepingCapacity: true)
            whole.append(copying: left)
            let tail = prefix.isEmpty ? 0 : min(prefix.count, right.count)
            whole.append(copying: right.extracting(tail..<right.count))
            guard let first = spelling.id(of: left), let second = spelling.id(of: right),
                let result = spelling.id(of: whole.span)
            else {
                let place = "model.merges[\(merges.count)]"
                throw .malformed("\(place): a token of the merge to “\(whole.decodedText)” is not in the vocabulary")
            }
            merges.append((first, second))
            results.append(result)
        }
        let damage = TokenizerError.malformed("model.merges: a merge must be “a b” or [\"a\", \"b\"]")
        try list.forEachElement { element throws(TokenizerError) in
            if element.kind == .array {
                let pair = element.elements
                guard pair.count == 2, let left = pair[0].string, let right = pair[1].string else { throw damage }
                try add(Array(left.utf8).span, Array(right.utf8).span)
            } else {
                guard let text = element.string.map({ Array($0.utf8) }) else { throw damage }
                let parts = text.split(separator: 0x20, omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { throw damage }
                try add(Array(parts[0]).span, Array(parts[1]).span)
            }
        }
        return (merges, results)
    }

    func bytePair(_ model: JSONElement) throws(TokenizerError) -> BytePairModel {
        let spelled = try vocabulary(model)
        let spelling = try spelled.index()
        let prefix = Array((model["continuing_subword_prefix"]?.string ?? "").utf8)
        let (merges, results) = try merges(model, prefix, spelling)
        var options = BytePairModel.Options()
        if let unknown = model["unk_token"]?.string { options.unknown = spelling.id(of: Array(unknown.utf8).span) }
        options.fusesUnknown = try bool(model, "fuse_unk", "model", default: false)
        options.byteFallback = try bool(model, "byte_fallback", "model", default: false)
        if options.unknown == nil, !(model["unk_token"]?.isNull ?? true), !knowsAllText(model),
            !options.byteFallback || BytePairModel.fallback(in: spelling).isEmpty
        {
            options.unknown = try unknownToken(model, spelling)
        }
        options.ignoresMerges = try bool(model, "ignore_merges", "model", default: false)
        options.continuingPrefix = prefix
        options.endOfWordSuffix = Array((model["end_of_word_suffix"]?.string ?? "").utf8)
        guard isByteLevel else {
            return try BytePairModel(
                vocabulary: spelled, index: spelling, merges: merges, results: results, isByteLevel: false,
                options: options)
        }
        // A token with a character outside the alphabet is none that bytes merge to.
        let raw = spelled.bytesOfAlphabet()
        return try BytePairModel(
            vocabulary: raw, index: raw.index(), merges: merges, results: results, isByteLevel: true, options: options)
    }

    func unigram(_ model: JSONElement) throws(TokenizerError) -> UnigramModel {
        guard let list = model["vocab"], list.kind == .array else {
            throw .malformed("model: “vocab” of a Unigram model must be a list of [piece, score]")
        }
        var pieces = SentencePieces()
        pieces.reserveCapacity(list.count)
        try list.forEachElement { element throws(TokenizerError) in
            let pair = element.elements
            guard pair.count == 2, let text = pair[0].string, let score = pair[1].double, score.isFinite else {
                throw .malformed("model.vocab[\(pieces.count)]: a piece and its score are expected")
            }
            pieces.append(SentencePiece(bytes: Array(text.utf8), score: score, kind: .normal))
        }
        guard !pieces.isEmpty else { throw .malformed("model.vocab: no pieces") }
        var unknown: UInt32?
        if let value = model["unk_id"], !value.isNull {
            unknown = try id(value, "model.unk_id")
            guard Int(unknown ?? 0) < pieces.count else { throw .malformed("model.unk_id: beyond the vocabulary") }
        } else if !getsLettersOnly || letters(model).count < 256 {
            // Of all bytes: those that are no UTF-8 may come, too.
            throw .malformed(
                "model: without “unk_id” characters that are no pieces would have no id; set it to that of a piece")
        }
        // The reference finds the names of bytes in the text too, and their scores count towards the least one.
        var byteIDs: [UInt32] = []
        if try bool(model, "byte_fallback", "model", default: false) {
            byteIDs = BytePairModel.fallback(in: try pieces.spellings.index())
        }
        let model = try UnigramModel(pieces: pieces, unknownID: unknown, fallback: byteIDs, singlePrecision: false)
        guard model.lattice.trie.count < pieces.count else { return model }
        // Of equal pieces the reference uses the last.
        var ids: [[UInt8]: Int] = [:]
        for id in pieces.indices {
            if let earlier = ids.updateValue(id, forKey: pieces[id].bytes) { pieces.setKind(.control, of: earlier) }
        }
        return try UnigramModel(pieces: pieces, unknownID: unknown, fallback: byteIDs, singlePrecision: false)
    }
}
