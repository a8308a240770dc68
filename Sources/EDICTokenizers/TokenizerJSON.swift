internal import EDICJSON

/// Reads a `tokenizer.json`. An unknown component is an error that names it.
struct TokenizerJSONReader {
    let root: JSONElement
    /// Whether the model takes raw bytes: byte-level BPE whose last step before it is ByteLevel.
    var isByteLevel = false

    init(_ data: [UInt8]) throws(TokenizerError) {
        do {
            root = try JSONDocument(parsing: data.span).root
        } catch {
            throw TokenizerError(.malformed, "not valid JSON: \(error)", cause: error)
        }
        guard root["model"]?.kind == .object else {
            throw .malformed("no object “model” in the JSON: not a tokenizer.json")
        }
    }

    mutating func parts(_ data: [UInt8]) throws(TokenizerError) -> TokenizerParts {
        let model = try object(root, "model", "the tokenizer")
        let added = try numbered(try addedTokens(), model)
        isByteLevel = detectsByteLevel(model, added)
        var normalizer = try optional("normalizer").map { element throws(TokenizerError) in
            try self.normalizer(element, "normalizer")
        }
        if isByteLevel { normalizer = Self.withoutByteLevel(normalizer) }
        let preTokenizer = try optional("pre_tokenizer").map { element throws(TokenizerError) in
            try self.preTokenizer(element, "pre_tokenizer")
        }
        var parts = TokenizerParts(model: try readModel(model))
        parts.normalizer = normalizer
        parts.preTokenizer = preTokenizer
        if let element = optional("post_processor") {
            parts.postProcessor = try postProcessor(element, "post_processor")
        }
        if let element = optional("decoder") { parts.decoder = try decoder(element, "decoder") }
        parts.addedTokens = added
        parts.special = special(added, parts.model)
        try readTruncationAndPadding(&parts)
        parts.source = .json(data)
        return parts
    }

    // MARK: Fields

    func optional(_ key: String) -> JSONElement? { root[key].flatMap { $0.isNull ? nil : $0 } }

    func object(_ element: JSONElement, _ key: String, _ place: String) throws(TokenizerError) -> JSONElement {
        guard let value = element[key], value.kind == .object else {
            throw .malformed("\(place): “\(key)” must be an object")
        }
        return value
    }

    func type(_ element: JSONElement, _ place: String) throws(TokenizerError) -> String {
        guard let type = element["type"]?.string else { throw .malformed("\(place): “type” is missing or no string") }
        return type
    }

    func string(_ element: JSONElement, _ key: String, _ place: String) throws(TokenizerError) -> String {
        guard let value = element[key]?.string else { throw .malformed("\(place): “\(key)” must be a string") }
        return value
    }

    func bool(
        _ element: JSONElement, _ key: String, _ place: String, default fallback: Bool
    ) throws(TokenizerError) -> Bool {
        guard let value = element[key], !value.isNull else { return fallback }
        guard let flag = value.bool else { throw .malformed("\(place): “\(key)” must be true or false") }
        return flag
    }

    func id(_ element: JSONElement?, _ place: String) throws(TokenizerError) -> UInt32 {
        guard let value = element?.int, value >= 0, value < 1 << 24 else {
            throw .malformed("\(place): a token id between 0 and 16777215 is expected")
        }
        return UInt32(value)
    }

    func elements(_ element: JSONElement, _ key: String, _ place: String) throws(TokenizerError)
        -> [JSONElement]
    {
        guard let list = element[key], list.kind == .array else {
            throw .malformed("\(place): “\(key)” must be a list")
        }
        return list.elements
    }

    func pattern(_ element: JSONElement, _ place: String) throws(TokenizerError) -> Pattern {
        if let literal = element["pattern"]?["String"]?.string { return .literal(Array(literal.utf8)) }
        if let source = element["pattern"]?["Regex"]?.string {
            do {
                return .regularExpression(try RegularExpression(source, .oniguruma))
            } catch {
                throw TokenizerError(error.code, "\(place): \(error.message)")
            }
        }
        throw .malformed("\(place): “pattern” must be {\"String\": …} or {\"Regex\": …}")
    }

    // MARK: Added tokens, truncation, padding

    func addedTokens() throws(TokenizerError) -> [AddedToken] {
        guard let list = optional("added_tokens") else { return [] }
        guard list.kind == .array else { throw .malformed("“added_tokens” must be a list") }
        var tokens: [AddedToken] = []
        for (index, element) in list.elements.enumerated() {
            let place = "added_tokens[\(index)]"
            var token = AddedToken(id: try id(element["id"], place), content: try string(element, "content", place))
            token.singleWord = try bool(element, "single_word", place, default: false)
            token.stripsLeft = try bool(element, "lstrip", place, default: false)
            token.stripsRight = try bool(element, "rstrip", place, default: false)
            token.isSpecial = try bool(element, "special", place, default: false)
            token.isNormalized = try bool(element, "normalized", place, default: !token.isSpecial)
            tokens.append(token)
        }
        return tokens
    }

    /// Gives added tokens the ids that the reference gives them, whatever their own are: what is a token of the model keeps
    /// that id, the others are counted on from the size of its vocabulary. Of two with one id the later is looked for.
    func numbered(_ tokens: [AddedToken], _ model: JSONElement) throws(TokenizerError) -> [AddedToken] {
        if tokens.isEmpty { return [] }
        let index = try Vocabulary(tokens.map { Array($0.content.utf8) }).index()
        var ids = modelIDs(of: tokens, in: index, model)
        var next = UInt32(clamping: model["vocab"]?.count ?? 0)
        var numbered: [AddedToken] = []
        var places: [UInt32: Int] = [:]
        for var token in tokens {
            // An empty one is none.
            guard let first = index.id(of: Array(token.content.utf8).span) else { continue }
            if let known = ids[first] {
                token.id = known
            } else {
                token.id = next
                ids[first] = next
                next += 1
            }
            if let place = places[token.id] {
                let earlier = numbered[place]
                token.isSpecial = token.isSpecial || earlier.content == token.content && earlier.isSpecial
                numbered[place] = token
            } else {
                places[token.id] = numbered.count
                numbered.append(token)
            }
        }
        return numbered
    }

    /// The ids of those added tokens that a model has, by their numbers in an index of them.
    private func modelIDs(
        of tokens: [AddedToken], in index: TokenIndex, _ model: JSONElement
    ) -> [UInt32: UInt32] {
        // Few tokens of a model begin as an added one does.
        var begins = [Bool](repeating: false, count: 256)
        for token in tokens { if let byte = token.content.utf8.first { begins[Int(byte)] = true } }
        var ids: [UInt32: UInt32] = [:]
        func meet(_ token: Span<UInt8>, _ id: Int?) {
            guard token.count > 0, begins[Int(token[0])], let first = index.id(of: token) else { return }
            ids[first] = id.flatMap { UInt32(exactly: $0) }
        }
        let vocabulary = model["vocab"]
        vocabulary?.forEachMember { token, id in meet(token, id.int) }
        var piece = 0
        vocabulary?.forEachElement { element in
            var isText = true
            element.forEachElement { part in
                if isText { _ = part.withUTF8 { meet($0, piece) } }
                isText = false
            }
            piece += 1
        }
        return ids
    }

    func special(_ added: [AddedToken], _ model: Model) -> SpecialTokens {
        var special = SpecialTokens()
        func find(_ names: [String]) -> UInt32? {
            for name in names {
                if let token = added.first(where: { $0.content == name }) { return token.id }
            }
            return nil
        }
        special.beginning = find([
            "<s>", "<|begin_of_text|>", "<bos>", "[CLS]", "<|startoftext|>", "<｜begin▁of▁sentence｜>",
        ])
        special.end = find([
            "</s>", "<|end_of_text|>", "<eos>", "[SEP]", "<|endoftext|>", "<|im_end|>", "<｜end▁of▁sentence｜>",
        ])
        special.padding = find(["<pad>", "[PAD]", "<|pad|>", "<|finetune_right_pad_id|>"])
        switch model {
        case .unigram(let model): special.unknown = model.unknownID == .max ? nil : model.unknownID
        case .wordPiece(let model): special.unknown = model.unknownID
        case .wordLevel(let model): special.unknown = model.unknownID
        case .bytePair(let model): special.unknown = model.options.unknown
        case .sentencePieceBPE(let model): special.unknown = model.unknownID
        }
        return special
    }

    func readTruncationAndPadding(_ parts: inout TokenizerParts) throws(TokenizerError) {
        if let element = optional("truncation") {
            guard let length = element["max_length"]?.int, length >= 0 else {
                throw .malformed("truncation: “max_length” must be a number that is not negative")
            }
            var truncation = Truncation(maximumLength: length)
            switch element["strategy"]?.string {
            case "OnlyFirst": truncation.strategy = .onlyFirst
            case "OnlySecond": truncation.strategy = .onlySecond
            case "LongestFirst", nil: truncation.strategy = .longestFirst
            case let other?: throw TokenizerError(.unknownComponent, "truncation: strategy “\(other)” is not known")
            }
            truncation.side = element["direction"]?.string == "Left" ? .left : .right
            parts.truncation = truncation
        }
        if let element = optional("padding") {
            var rule = PaddingRule()
            if let strategy = element["strategy"], strategy.kind == .object { rule.length = strategy["Fixed"]?.int }
            rule.multiple = element["pad_to_multiple_of"]?.int
            rule.side = element["direction"]?.string == "Left" ? .left : .right
            rule.id = try id(element["pad_id"], "padding")
            rule.typeID = UInt32(clamping: element["pad_type_id"]?.int ?? 0)
            if let length = rule.length, length < 0 || length > PaddingRule.longest {
                throw .malformed("padding: length \(length)")
            }
            if let multiple = rule.multiple, multiple < 1 || multiple > PaddingRule.longest {
                throw .malformed("padding: “pad_to_multiple_of” is \(multiple)")
            }
            parts.paddingRule = rule
            parts.special.padding = parts.special.padding ?? rule.id
        }
    }

    // MARK: Normalizers

    func normalizer(_ element: JSONElement, _ place: String) throws(TokenizerError) -> Normalizer {
        let type = try type(element, place)
        switch type {
        case "Sequence":
            var steps: [Normalizer] = []
            for (index, step) in try elements(element, "normalizers", place).enumerated() {
                steps.append(try normalizer(step, "\(place)[\(index)]"))
            }
            return .sequence(steps)
        case "NFC", "NFD", "NFKC", "NFKD": return NormalizationForm(rawValue: type).map { .form($0) } ?? .form(.nfc)
        case "Lowercase": return .lowercase
        case "Strip":
            return .strip(
                left: try bool(element, "strip_left", place, default: true),
                right: try bool(element, "strip_right", place, default: true))
        case "StripAccents": return .stripAccents
        case "Replace":
            return .replace(try pattern(element, place), with: Array(try string(element, "content", place).utf8))
        case "Prepend": return .prepend(Array(try string(element, "prepend", place).utf8))
        case "Precompiled":
            let text = try string(element, "precompiled_charsmap", place)
            guard let blob = Base64.decode(text.utf8) else {
                throw .malformed("\(place): the character map is not Base64")
            }
            if blob.isEmpty { return .sequence([]) }
            return .precompiled(try CharacterMap(blob))
        case "BertNormalizer":
            let lowercase = try bool(element, "lowercase", place, default: true)
            return .bert(
                cleanText: try bool(element, "clean_text", place, default: true),
                chineseCharacters: try bool(element, "handle_chinese_chars", place, default: true),
                stripAccents: try bool(element, "strip_accents", place, default: lowercase), lowercase: lowercase)
        case "Nmt": return .nmt
        case "ByteLevel": return .byteLevel
        default: throw TokenizerError(.unknownComponent, "\(place): the normalizer “\(type)” is not known")
        }
    }

    static func withoutByteLevel(_ normalizer: Normalizer?) -> Normalizer? {
        switch normalizer {
        case .byteLevel?: return nil
        case .sequence(let steps)?:
            let kept = steps.filter { if case .byteLevel = $0 { false } else { true } }
            return kept.isEmpty ? nil : .sequence(kept)
        default: return normalizer
        }
    }

    // MARK: Pre-tokenizers

    func preTokenizer(_ element: JSONElement, _ place: String) throws(TokenizerError) -> PreTokenizer {
        let type = try type(element, place)
        switch type {
        case "Sequence":
            var steps: [PreTokenizer] = []
            for (index, step) in try elements(element, "pretokenizers", place).enumerated() {
                steps.append(try preTokenizer(step, "\(place)[\(index)]"))
            }
            return steps.count == 1 ? steps[0] : .sequence(steps)
        case "ByteLevel":
            return .byteLevel(
                addsPrefixSpace: try bool(element, "add_prefix_space", place, default: true),
                usesPattern: try bool(element, "use_regex", place, default: true), mapsBytes: !isByteLevel)
        case "Split":
            return .split(
                try pattern(element, place), try behavior(element, place),
                inverted: try bool(element, "invert", place, default: false))
        case "Whitespace": return .whitespace
        case "WhitespaceSplit": return .whitespaceSplit
        case "BertPreTokenizer": return .bert
        case "Metaspace":
            let (replacement, scheme) = try metaspace(element, place)
            return .metaspace(replacement, scheme, splits: try bool(element, "split", place, default: true))
        case "Punctuation": return .punctuation(element["behavior"] == nil ? .isolated : try behavior(element, place))
        case "Digits": return .digits(individual: try bool(element, "individual_digits", place, default: false))
        case "CharDelimiterSplit":
            let delimiter = try string(element, "delimiter", place).unicodeScalars
            guard let scalar = delimiter.first, delimiter.count == 1 else {
                throw .malformed("\(place): “delimiter” must be one character")
            }
            return .delimiter(scalar)
        case "FixedLength":
            guard let length = element["length"]?.int, length > 0 else {
                throw .malformed("\(place): “length” must be a positive number")
            }
            return .fixedLength(length)
        case "UnicodeScripts": return .scripts
        default: throw TokenizerError(.unknownComponent, "\(place): the pre-tokenizer “\(type)” is not known")
        }
    }

    func behavior(_ element: JSONElement, _ place: String) throws(TokenizerError) -> PreTokenizer.Behavior {
        let name = try string(element, "behavior", place)
        guard let behavior = PreTokenizer.Behavior(rawValue: name) else {
            throw TokenizerError(.unknownComponent, "\(place): the behavior “\(name)” is not known")
        }
        return behavior
    }

    func metaspace(
        _ element: JSONElement, _ place: String
    ) throws(TokenizerError) -> ([UInt8], PreTokenizer.PrependScheme) {
        let replacement = element["replacement"]?.string ?? "\u{2581}"
        guard replacement.unicodeScalars.count == 1 else {
            throw .malformed("\(place): “replacement” must be one character")
        }
        var scheme = PreTokenizer.PrependScheme.always
        if let name = element["prepend_scheme"]?.string {
            guard let known = PreTokenizer.PrependScheme(rawValue: name) else {
                throw TokenizerError(.unknownComponent, "\(place): the prepend scheme “\(name)” is not known")
            }
            scheme = known
        }
        if element["add_prefix_space"]?.bool == false { scheme = .never }
        return (Array(replacement.utf8), scheme)
    }

    // MARK: Decoders

    func decoder(_ element: JSONElement, _ place: String) throws(TokenizerError) -> Decoder {
        let type = try type(element, place)
        switch type {
        case "Sequence":
            var steps: [Decoder] = []
            for (index, step) in try elements(element, "decoders", place).enumerated() {
                steps.append(try decoder(step, "\(place)[\(index)]"))
            }
            return .sequence(steps)
        case "ByteLevel": return .byteLevel
        case "Metaspace":
            let (replacement, scheme) = try metaspace(element, place)
            return .metaspace(replacement, scheme)
        case "WordPiece":
            return .wordPiece(
                prefix: Array((element["prefix"]?.string ?? "##").utf8),
                cleansUp: try bool(element, "cleanup", place, default: true))
        case "BPEDecoder": return .bytePair(suffix: Array((element["suffix"]?.string ?? "</w>").utf8))
        case "ByteFallback": return .byteFallback
        case "Fuse": return .fuse
        case "Strip":
            let start = element["start"]?.int ?? 0
            let stop = element["stop"]?.int ?? 0
            guard (0...1000).contains(start), (0...1000).contains(stop) else {
                throw .malformed("\(place): “start” and “stop” must be between 0 and 1000")
            }
            return .strip(Array(try string(element, "content", place).utf8), start: start, stop: stop)
        case "Replace":
            return .replace(try pattern(element, place), with: Array(try string(element, "content", place).utf8))
        case "CTC":
            return .ctc(
                pad: Array((element["pad_token"]?.string ?? "<pad>").utf8),
                delimiter: Array((element["word_delimiter_token"]?.string ?? "|").utf8),
                cleansUp: try bool(element, "cleanup", place, default: true))
        default: throw TokenizerError(.unknownComponent, "\(place): the decoder “\(type)” is not known")
        }
    }
}
